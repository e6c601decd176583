"""One migrator at a time: others that start meanwhile wait, and then find nothing left to do."""

from sqlalchemy import Connection, text

MIGRATION_LOCK = 0x5ECA91
"""Any fixed number that nothing else locks."""


def lock(connection: Connection) -> None:
    """Hold the lock until the transaction ends; waits for whoever has it, and may be called again by the holder."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
