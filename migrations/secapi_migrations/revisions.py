"""Alembic, called with a connection instead of from its command line."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from secapi_migrations.lock import lock

_PACKAGE = Path(__file__).parent
# The wheel has Alembic's scripts in this package, a checkout has them beside it.
SCRIPTS = _PACKAGE if (_PACKAGE / "env.py").exists() else _PACKAGE.parent


def newest() -> str:
    """The revision that this version of SecAPI was written for."""
    head = _scripts().get_current_head()
    assert head is not None  # noqa: S101 - a test sees to it that there is exactly one
    return head


def current(connection: Connection) -> str | None:
    """The database's revision; ``None`` before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str | None) -> bool:
    """Whether this version of SecAPI has the revision; it has not when a later version migrated the database."""
    return revision is None or revision in {script.revision for script in _scripts().walk_revisions()}


def upgrade(connection: Connection) -> tuple[str | None, str | None]:
    """Migrate to the newest revision within the open transaction; the revisions before and after.

    A database that a later version has migrated is left as it is: whoever rolls SecAPI back keeps the newer schema.
    """
    lock(connection)
    before = current(connection)
    if is_known(before):
        command.upgrade(_config(connection), "head")
    return before, current(connection)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config
