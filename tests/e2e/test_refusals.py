"""What cannot work is refused with a sentence that names the value."""

import pytest

from release import Release
from release_namespace import NAMESPACE, namespace
from rendering import Object, manifest
from secapi_dev.errors import StackError

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

NOWHERE = "postgresql://secapi:hunter2@127.0.0.1:1/secapi"
EXTERNAL = {
    "embedded.enabled": False,
    "externalDatabase.existingSecret": "database",
    "externalRedis.existingSecret": "database",
    "externalRedis.urlKey": "databaseUrl",
    "apiKeys.pepper.existingSecret": "database",
    "webhooks.key.existingSecret": "database",
    "artifacts.url": "s3://artifacts",
    "migrations.waitSeconds": 1,
    "migrations.backoffLimit": 0,
    "workers.pools.burst.enabled": False,
}


async def test_an_unreachable_database_stops_the_installation_with_a_sentence(cluster: Release) -> None:
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "database", "namespace": NAMESPACE},
        "stringData": {"databaseUrl": NOWHERE, "pepper": "long enough to be one", "webhookKey": "long enough, too"},
    }
    async with namespace(cluster):
        await cluster.kubectl("apply", "-f", "-", stdin=manifest(secret))
        try:
            with pytest.raises(StackError) as refused:
                await cluster.install(EXTERNAL)
        finally:
            await cluster.uninstall()
    said = str(refused.value)
    assert "the database in SECAPI_DATABASE_URL cannot be used: 127.0.0.1:1/secapi does not answer" in said
    assert "hunter2" not in said


async def test_a_missing_secret_stops_the_installation_with_a_sentence(cluster: Release) -> None:
    async with namespace(cluster):
        with pytest.raises(StackError) as refused:
            await cluster.install(EXTERNAL)
    assert f"create the Secret database in the namespace {NAMESPACE}: externalDatabase.existingSecret names it" in str(
        refused.value
    )
