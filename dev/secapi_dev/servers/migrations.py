"""Bring a database to the newest schema."""

import sys

from secapi_dev.processes.program import Command, base_environment, run
from secapi_dev.processes.state import StateDirectory


async def migrate(database_url: str, state: StateDirectory) -> None:
    """Run ``secapi-migrate`` in a process of its own; ``StackError`` with what it said when it could not migrate."""
    # Whoever starts the server has waited for it, and an address that was given wrong is better told at once.
    env = base_environment() | {"SECAPI_DATABASE_URL": database_url, "SECAPI_MIGRATE_WAIT": "0"}
    await run(Command(name="migrations", argv=[sys.executable, "-m", "secapi_migrations.main"], env=env), state)
