"""Values that cannot be meant are refused, with words that say where and what."""

from typing import Any

import pytest

from rendering import VALUES, render
from secapi_dev.charttools.templating import Helm
from secapi_dev.errors import StackError

POOL = "workers.pools.code"
AT_POOL = "at '/workers/pools/code"

# Refused by the schema: the value's path, the value, what the message says.
WRONG = [
    # Misspelt, at every depth.
    ("replicas", 2, "at '': additional properties 'replicas' not allowed"),
    ("networkPolicies", {"enabled": False}, "additional properties 'networkPolicies' not allowed"),
    ("api.replica", 2, "at '/api': additional properties 'replica' not allowed"),
    ("api.image.tags", "x", "at '/api/image': additional properties 'tags' not allowed"),
    ("crds.keeps", True, "at '/crds': additional properties 'keeps' not allowed"),
    ("externalDatabase.existingsecret", "x", "additional properties 'existingsecret' not allowed"),
    ("api.settings.requestTimeout", 5, "at '/api/settings': additional properties 'requestTimeout' not allowed"),
    ("operator.settings.operatorWorker", 5, "additional properties 'operatorWorker' not allowed"),
    (f"{POOL}.settings.workerConcurrency", 2, f"{AT_POOL}/settings': additional properties 'workerConcurrency'"),
    (f"{POOL}.autoscaling.maxReplica", 2, f"{AT_POOL}/autoscaling': additional properties 'maxReplica' not allowed"),
    ("workers.defaults.variant", "code", "at '/workers/defaults': additional properties 'variant' not allowed"),
    ("api.readinessProbe.path", "/", "at '/api/readinessProbe': additional properties 'path' not allowed"),
    ("api.securityContext.runAsUsr", 1, "at '/api/securityContext': additional properties 'runAsUsr' not allowed"),
    ("api.tolerations", [{"keys": "x"}], "at '/api/tolerations/0': additional properties 'keys' not allowed"),
    ("metrics.serviceMonitor.enable", True, "additional properties 'enable' not allowed"),
    ("embedded.postgresql.password", "x", "additional properties 'password' not allowed"),
    # Of the wrong type.
    ("api.replicas", "two", "at '/api/replicas': got string, want integer"),
    ("api.replicas", 1.5, "at '/api/replicas': got number, want integer"),
    ("networkPolicy.enabled", "yes", "at '/networkPolicy/enabled': got string, want boolean"),
    ("image.tag", 1.2, "at '/image/tag': got number, want string"),
    ("operator.deniedCidrs", "10.0.0.0/8", "at '/operator/deniedCidrs': got string, want array"),
    ("api.extraEnv", {"A": "b"}, "at '/api/extraEnv': got object, want array"),
    ("api.extraVolumes", [{"name": "ca", "configMaps": {}}], "additional properties 'configMaps' not allowed"),
    ("api.extraVolumes", [{"name": "tmp", "emptyDir": {}}], "at '/api/extraVolumes/0/name': 'not' failed"),
    ("api.extraVolumeMounts", [{"name": "ca", "path": "/x"}], "additional properties 'path' not allowed"),
    ("api.podLabels", {"number": 1}, "at '/api/podLabels/number': got number, want string"),
    (POOL, True, f"{AT_POOL}': got boolean, want object"),
    # Out of bounds.
    ("api.replicas", -1, "at '/api/replicas': minimum: got -1, want 0"),
    ("api.service.port", 70000, "at '/api/service/port': maximum: got 70,000, want 65,535"),
    (f"{POOL}.concurrency", 0, f"{AT_POOL}/concurrency': minimum: got 0, want 1"),
    (f"{POOL}.autoscaling.stabilizationWindowSeconds", 3601, "maximum: got 3,601, want 3,600"),
    ("api.settings.apiRequestTimeout", 0, "at '/api/settings/apiRequestTimeout': exclusiveMinimum: got 0, want 0"),
    ("operator.settings.operatorWorkers", 129, "maximum: got 129, want 128"),
    # Not one of the words.
    ("api.logLevel", "verbose", "at '/api/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
    ("image.pullPolicy", "always", "at '/image/pullPolicy': value must be one of"),
    ("api.service.type", "clusterIP", "at '/api/service/type': value must be one of 'ClusterIP'"),
    (f"{POOL}.autoscaling.type", "vpa", f"{AT_POOL}/autoscaling/type': value must be one of 'keda', 'hpa'"),
    (f"{POOL}.networkPolicy.egress", "all", f"{AT_POOL}/networkPolicy/egress': value must be one of 'internet'"),
    # Of the wrong form.
    ("image.digest", "sha256:abc", "at '/image/digest': 'sha256:abc' does not match pattern"),
    ("image.registry", "https://registry.example", "at '/image/registry': 'https://registry.example' does not match"),
    ("tracing.endpoint", "collector:4317", "at '/tracing/endpoint': 'collector:4317' does not match pattern"),
    ("operator.deniedCidrs", ["10.0.0.0"], "at '/operator/deniedCidrs/0': '10.0.0.0' does not match pattern"),
    ("api.oidc.issuer", "http://id.example", "at '/api/oidc/issuer': 'http://id.example' does not match pattern"),
    ("api.oidc.algorithms", ["HS256"], "at '/api/oidc/algorithms/0': value must be one of 'RS256'"),
    ("fullnameOverride", "Secapi", "at '/fullnameOverride': 'Secapi' does not match pattern"),
    ("workers.pools.Code", {}, "at '/workers/pools': additional properties 'Code' not allowed"),
    (f"{POOL}.pools", ["code', 'other"], f"{AT_POOL}/pools/0'"),
    (f"{POOL}.workdir.sizeLimit", "4 GB", f"{AT_POOL}/workdir/sizeLimit': '4 GB' does not match pattern"),
    ("api.podDisruptionBudget.maxUnavailable", "half", "'half' does not match pattern"),
    ("metrics.podMonitor.interval", "30", "at '/metrics/podMonitor/interval': '30' does not match pattern"),
]

# Refused by the templates: settings over the smallest installation, and the sentence.
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"externalDatabase.existingSecret": ""},
        "set externalDatabase.existingSecret, or embedded.enabled=true for an evaluation",
    ),
    (
        {"externalRedis.existingSecret": ""},
        "set externalRedis.existingSecret, or embedded.enabled=true for an evaluation",
    ),
    (
        {"apiKeys.pepper.existingSecret": ""},
        "set apiKeys.pepper.existingSecret, or embedded.enabled=true for an evaluation",
    ),
    (
        {"webhooks.key.existingSecret": ""},
        "set webhooks.key.existingSecret, with which workers.pools.system signs, or workers.pools.system.enabled=false",
    ),
    (
        {"workers.pools.system.autoscaling.enabled": True},
        "set workers.pools.system.autoscaling.enabled=false: autoscalers do not see how many webhooks wait",
    ),
    (
        {"embedded.enabled": True},
        "unset externalDatabase.existingSecret, or embedded.enabled: with both it is not clear",
    ),
    (
        {"artifacts.url": ""},
        "set artifacts.url to an object store such as s3://bucket/prefix, or artifacts.persistence",
    ),
    ({"artifacts.url": "file:///data"}, "unset artifacts.url and set artifacts.persistence.enabled=true"),
    ({"artifacts.url": "memory:///"}, "set artifacts.url to an object store: what the API keeps in its memory"),
    ({"tracing.enabled": True}, "set tracing.endpoint, for example to http://collector.monitoring:4318"),
    ({"api.ingress.enabled": True}, "set api.ingress.hosts, or api.ingress.enabled=false"),
    ({"api.oidc.issuer": "https://id.example"}, "set api.oidc.audience, or unset api.oidc.issuer"),
    ({"api.oidc.audience": "secapi"}, "set api.oidc.issuer, or unset api.oidc.audience"),
    ({"api.autoscaling.minReplicas": 7}, "set api.autoscaling.minReplicas (7) to no more than maxReplicas (6)"),
    (
        {"migrations.waitSeconds": 300},
        "set migrations.waitSeconds (300) to less than migrations.activeDeadlineSeconds (280)",
    ),
    (
        {f"{POOL}.drainSeconds": 300},
        f"set {POOL}.drainSeconds (300) to less than its terminationGracePeriodSeconds (300)",
    ),
    (
        {f"{POOL}.autoscaling.minReplicas": 11},
        f"set {POOL}.autoscaling.minReplicas (11) to no more than maxReplicas (10)",
    ),
    (
        {f"{POOL}.autoscaling": {"enabled": True, "type": "hpa"}},
        f"set {POOL}.autoscaling.minReplicas to 1 or more, or its type to keda: hpa cannot scale to 0",
    ),
    (
        {f"{POOL}.autoscaling.enabled": True},
        f"set autoscaling.database.existingSecret, by which KEDA asks for the queue of {POOL}",
    ),
]


@pytest.mark.parametrize(("path", "value", "says"), WRONG, ids=[f"{path}={value}" for path, value, _ in WRONG])
async def test_the_schema_refuses(path: str, value: object, says: str, helm: Helm) -> None:
    with pytest.raises(StackError) as refusal:
        await render(helm, VALUES["external"], settings={path: value})
    assert says in str(refusal.value)


@pytest.mark.parametrize(("settings", "sentence"), CONTRADICTIONS, ids=[str(given) for given, _ in CONTRADICTIONS])
async def test_a_contradiction_is_told(settings: dict[str, Any], sentence: str, helm: Helm) -> None:
    with pytest.raises(StackError) as refusal:
        await render(helm, VALUES["external"], settings=settings)
    assert sentence in str(refusal.value)


async def test_all_contradictions_are_told_at_once(helm: Helm) -> None:
    with pytest.raises(StackError) as refusal:
        await render(helm)
    message = str(refusal.value)
    for value in ("externalDatabase.existingSecret", "externalRedis.existingSecret", "apiKeys.pepper", "artifacts.url"):
        assert f"\nset {value}" in message
    assert "nil pointer" not in message


async def test_a_parent_chart_may_have_globals_of_its_own(helm: Helm) -> None:
    await render(helm, VALUES["external"], settings={"global.somebodyElses": {"value": 1}})
