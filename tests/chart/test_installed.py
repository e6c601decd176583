"""With a cluster at hand Helm looks before it installs: are the Secrets there, which passwords does it keep."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from rendering import NAMESPACE, RELEASE, VALUES, Rendering
from secapi_dev import paths
from secapi_dev.charttools.templating import Helm
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.errors import StackError


async def rendered(helm: Helm, kubectl: Kubectl, values: Path, namespace: str = NAMESPACE) -> Rendering:
    """What an upgrade would make of the cluster: unlike an installation it may find objects there."""
    options = ["--dry-run=server", "--is-upgrade", "--kubeconfig", str(kubectl.kubeconfig)]
    text = await helm.template(paths.CHART, values, release=RELEASE, namespace=namespace, options=options)
    return Rendering.of(text)


async def make_secret(kubectl: Kubectl, name: str, namespace: str, **data: str) -> None:
    literals = [f"--from-literal={key}={value}" for key, value in data.items()]
    await kubectl("create", "secret", "generic", name, "-n", namespace, *literals)


async def test_missing_secrets_and_keys_are_named_before_anything_is_installed(
    helm: Helm, cluster: Kubectl, namespace: str
) -> None:
    await make_secret(cluster, "scanner-redis", namespace, url="redis://redis.example")
    await make_secret(cluster, "scanner-pepper", namespace, pepper="a long text that nobody knows")
    with pytest.raises(StackError) as refusal:
        await rendered(helm, cluster, VALUES["external"], namespace)
    message = str(refusal.value)
    assert (
        f"create the Secret scanner-database in the namespace {namespace}: externalDatabase.existingSecret" in message
    )
    assert "add the key redisUrl to the Secret scanner-redis, which externalRedis.existingSecret names" in message
    assert "scanner-pepper" not in message


async def test_an_installation_with_its_secrets_goes_ahead(helm: Helm, cluster: Kubectl, namespace: str) -> None:
    await make_secret(cluster, "scanner-database", namespace, databaseUrl="postgresql://database.example/scans")
    await make_secret(cluster, "scanner-redis", namespace, redisUrl="redis://redis.example")
    await make_secret(cluster, "scanner-pepper", namespace, pepper="a long text that nobody knows")
    await make_secret(cluster, "scanner-webhooks", namespace, webhookKey="another text that nobody knows")
    assert (await rendered(helm, cluster, VALUES["external"], namespace)).one("Deployment", "api")


async def test_an_upgrade_keeps_the_passwords_of_an_evaluation(helm: Helm, cluster: Kubectl, namespace: str) -> None:
    present = {
        "databasePassword": "first",
        "apiPassword": "sixth",
        "scalerPassword": "second",
        "redisPassword": "third",
        "pepper": "fourth",
        "adminPassword": "fifth",
        "webhookKey": "sixth",
    }
    await make_secret(cluster, "acme-secapi-embedded", namespace, **present)
    data: Mapping[str, str] = (await rendered(helm, cluster, VALUES["embedded"], namespace)).one("Secret", "embedded")[
        "data"
    ]
    assert {key: base64.b64decode(data[key]).decode() for key in present} == present
    assert "secapi:first@" in base64.b64decode(data["databaseUrl"]).decode()
