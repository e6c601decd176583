"""Uploaded archives are known by their content, per namespace."""

from typing import Any

from ledger_factories import execute
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.artifacts import get_artifact
from secapi_core.ledger.transitions.artifacts import record_artifact

DIGEST = "sha256:" + "a" * 64


async def record(database: Database, **values: Any) -> None:
    known: dict[str, Any] = {
        "namespace": "team-a",
        "digest": DIGEST,
        "size": 5_000_000_000,
        "media_type": "application/gzip",
        "object_key": "team-a/a",
        "uploaded_by": "key:1",
    }
    async with database.transaction() as session:
        await record_artifact(session, **known | values)


async def get(database: Database, namespace: str = "team-a") -> Any:
    async with database.transaction() as session:
        return await get_artifact(session, namespace, DIGEST)


async def test_an_uploaded_artifact_is_known(database: Database) -> None:
    await record(database)

    artifact = await get(database)
    assert (artifact.digest, artifact.size, artifact.media_type) == (DIGEST, 5_000_000_000, "application/gzip")
    assert (artifact.object_key, artifact.uploaded_by) == ("team-a/a", "key:1")


async def test_another_namespace_does_not_know_it(database: Database) -> None:
    await record(database)

    assert await get(database, "team-b") is None


async def test_uploading_it_again_changes_nothing(database: Database) -> None:
    await record(database)
    first = await get(database)

    await record(database, uploaded_by="key:2")

    assert await get(database) == first


async def test_a_deleted_artifact_is_unknown_until_it_is_uploaded_again(database: Database) -> None:
    await record(database)
    await execute(database, "UPDATE artifacts SET deleted_at = now()")
    assert await get(database) is None

    await record(database)

    assert await get(database) is not None
