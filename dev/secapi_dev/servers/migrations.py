"""Bring a database to the newest schema."""

import sys

from secapi_dev import paths
from secapi_dev.processes.program import Command, base_environment, run
from secapi_dev.processes.state import StateDirectory


async def migrate(database_url: str, state: StateDirectory) -> None:
    """Run ``alembic upgrade head`` in a process of its own: the environment script makes an event loop itself."""
    if not (paths.MIGRATIONS / "env.py").exists():
        return
    argv = [sys.executable, "-m", "alembic", "--config", str(paths.CHECKOUT / "pyproject.toml"), "upgrade", "head"]
    env = base_environment() | {"SECAPI_DATABASE_URL": database_url}
    await run(Command(name="migrations", argv=argv, env=env), state)
