"""Databases beside the stack's own, in which the operator would cancel scans that have no ScanRequest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from secapi_dev.bench import ledger
from secapi_dev.bench.laboratory import Laboratory
from secapi_dev.servers.migrations import migrate
from secapi_dev.servers.postgres import PostgresServer


@asynccontextmanager
async def empty_database(lab: Laboratory, name: str) -> AsyncIterator[str]:
    """Address of a new ledger on the stack's server, dropped when the block ends."""
    parts = urlsplit(lab.stack.database_url)
    administrator = await _administrator(lab, parts.port or 0)
    async with ledger.connected(administrator) as connection:
        await connection.execute(f'CREATE DATABASE "{name}" OWNER "{parts.username}"')
    try:
        url = parts._replace(path=f"/{name}").geturl()
        await migrate(url, lab.state)
        yield url
    finally:
        async with ledger.connected(administrator) as connection:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _administrator(lab: Laboratory, port: int) -> str:
    """Address for whoever may make databases: on a server that was given, that is up to the user who was given."""
    if not (lab.state.path / "postgres").exists():
        return lab.stack.database_url
    return (await PostgresServer.prepared(lab.state, port)).admin_url
