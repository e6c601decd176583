"""Pools of workers: the defaults with a pool's own values on top, and what scales them."""

from typing import Any

import pytest

from rendering import VALUES, Object, Rendering, environment, render
from secapi_dev.charttools.templating import Helm
from secapi_workers.settings import WorkerSettings

CODE = "workers.pools.code"


def test_a_pool_is_a_deployment_that_serves_its_own_queue(external: Rendering) -> None:
    for pool in ("network", "code"):
        variables = environment(external.container(f"worker-{pool}"))
        assert variables["SECAPI_WORKER_POOLS"] == pool
        assert external.pod(f"worker-{pool}")["metadata"]["labels"]["secapi.dev/pool"] == pool


def test_a_pool_may_serve_several_queues_with_the_tools_of_another(hpa: Rendering) -> None:
    container = hpa.container("worker-both")
    assert environment(container)["SECAPI_WORKER_POOLS"] == "network,intranet"
    assert container["image"] == "secapi/worker-network:0.1.0"


async def test_a_disabled_pool_leaves_nothing(helm: Helm) -> None:
    rendering = await render(helm, VALUES["external"], settings={f"{CODE}.enabled": False})
    assert [found for found in rendering.objects if "worker-code" in found["metadata"]["name"]] == []
    assert rendering.one("Deployment", "worker-network")


async def test_no_pool_at_all_is_an_installation_too(helm: Helm) -> None:
    settings = {f"workers.pools.{pool}.enabled": False for pool in ("network", "code", "system")}
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert not [found for found in rendering.kind("Deployment") if "worker" in found["metadata"]["name"]]


@pytest.mark.parametrize(
    ("default", "own", "field", "expected"),
    [
        ({"replicas": 3}, {}, "replicas", 3),
        ({"replicas": 3}, {"replicas": 0}, "replicas", 0),
        ({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"b": "2"}}, "nodeSelector", {"a": "1", "b": "2"}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": []}, "tolerations", None),
    ],
)
async def test_a_pools_own_value_wins(
    default: dict[str, Any], own: dict[str, Any], field: str, expected: object, helm: Helm
) -> None:
    settings = {f"workers.defaults.{name}": value for name, value in default.items()}
    settings |= {f"{CODE}.{name}": value for name, value in own.items()}
    spec = (await render(helm, VALUES["external"], settings=settings)).one("Deployment", "worker-code")["spec"]
    assert (spec | spec["template"]["spec"]).get(field) == expected


def test_only_the_system_pool_knows_where_webhooks_may_go(production: Rendering) -> None:
    about = {"SECAPI_DENIED_CIDRS", "SECAPI_WEBHOOK_ALLOWED_CIDRS"}
    assert about <= environment(production.container("worker-system")).keys()
    assert not about & environment(production.container("worker-code")).keys()


async def test_the_system_pool_is_not_scaled_with_the_others(helm: Helm) -> None:
    settings = {"workers.defaults.autoscaling.enabled": True, "autoscaling.database.existingSecret": "scaler"}
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert rendering.one("Deployment", "worker-system")["spec"]["replicas"] == 1
    assert [scaled for scaled in rendering.kind("ScaledObject") if "system" in scaled["metadata"]["name"]] == []


async def test_a_pool_can_switch_off_what_is_on_by_default(helm: Helm) -> None:
    settings = {"workers.defaults.rawSockets.enabled": True, f"{CODE}.rawSockets.enabled": False}
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert "add" in rendering.container("worker-network")["securityContext"]["capabilities"]
    assert "add" not in rendering.container("worker-code")["securityContext"]["capabilities"]


@pytest.mark.parametrize(
    ("own", "drain"),
    [
        ({}, "290"),
        ({"terminationGracePeriodSeconds": 600}, "590"),
        ({"terminationGracePeriodSeconds": 5}, "0"),
        ({"drainSeconds": 0}, "0"),
        ({"drainSeconds": 120}, "120"),
    ],
)
async def test_jobs_are_given_back_before_the_pod_is_killed(own: dict[str, int], drain: str, helm: Helm) -> None:
    settings = {f"{CODE}.{name}": value for name, value in own.items()}
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert environment(rendering.container("worker-code"))["SECAPI_DRAIN_SECONDS"] == drain


def test_the_work_directory_is_below_a_volume_of_its_own(external: Rendering) -> None:
    # The volume's root belongs to root and is open to all, which the worker refuses.
    pod, container = external.pod("worker-code"), external.container("worker-code")
    assert {"name": "work", "mountPath": "/var/lib/secapi"} in container["volumeMounts"]
    assert {"name": "work", "emptyDir": {"sizeLimit": "4Gi"}} in pod["spec"]["volumes"]
    assert environment(container)["SECAPI_WORKDIR"] == "/var/lib/secapi/runs"


def test_a_worker_finds_its_tools_where_the_image_has_them(external: Rendering) -> None:
    assert "SECAPI_TOOLS_DIR" not in environment(external.container("worker-code"))
    assert str(WorkerSettings.model_fields["tools_dir"].default) == "/opt/secapi/tools"


def test_who_scales_a_pool_is_the_only_one_to_count_it(everything: Rendering, hpa: Rendering) -> None:
    for rendering in (everything, hpa):
        for found in rendering.kind("Deployment"):
            scaled = not found["metadata"]["name"].endswith(("-operator", "-system"))
            assert ("replicas" not in found["spec"]) is scaled


def test_keda_asks_for_running_and_waiting_jobs(everything: Rendering) -> None:
    scaled = everything.one("ScaledObject", "worker-code")["spec"]
    assert scaled | {"triggers": []} == {
        "scaleTargetRef": {"name": "acme-secapi-worker-code"},
        "pollingInterval": 30,
        "cooldownPeriod": 600,
        "minReplicaCount": 0,
        "maxReplicaCount": 3,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 120}}}},
        "triggers": [],
    }
    [trigger] = scaled["triggers"]
    assert trigger == {
        "type": "postgresql",
        "metadata": {
            "query": "SELECT coalesce(sum(jobs), 0) FROM pool_load WHERE pool IN ('code')",
            "targetQueryValue": "2",
            "activationTargetQueryValue": "0",
        },
        "authenticationRef": {"name": "acme-secapi-worker"},
    }


def test_a_pods_share_of_jobs_grows_with_its_processes(everything: Rendering, hpa: Rendering) -> None:
    [trigger] = everything.one("ScaledObject", "worker-network")["spec"]["triggers"]
    assert trigger["metadata"]["targetQueryValue"] == "4"
    assert target(hpa.one("HorizontalPodAutoscaler", "worker-code")) == {"type": "AverageValue", "averageValue": "6"}


def test_keda_has_a_credential_of_its_own(everything: Rendering) -> None:
    assert everything.one("TriggerAuthentication", "worker")["spec"] == {
        "secretTargetRef": [{"parameter": "connection", "name": "scanner-autoscaler", "key": "url"}]
    }


def test_an_external_metric_is_summed_over_all_queues_of_a_pool(hpa: Rendering) -> None:
    [metric] = hpa.one("HorizontalPodAutoscaler", "worker-both")["spec"]["metrics"]
    assert metric["external"]["metric"] == {
        "name": "secapi_queue_jobs",
        "selector": {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["network", "intranet"]}]},
    }


def target(autoscaler: Object) -> Object:
    [metric] = autoscaler["spec"]["metrics"]
    found: Object = metric["external"]["target"]
    return found
