"""What it looks like when Postgres is away: errors to wait out, unlike defects."""

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

LEDGER_DOWN = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""SQLAlchemy wraps the driver's errors, except those of connecting."""
