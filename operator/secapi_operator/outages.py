"""What it looks like when Postgres or the broker is away: errors to wait out, unlike defects."""

import asyncpg
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

LEDGER_DOWN = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""SQLAlchemy wraps the driver's errors, except those of connecting."""

BROKER_DOWN = (OperationalError, RedisError, OSError, TimeoutError)
"""Refused, slow, full, loading its data, or restarting."""
