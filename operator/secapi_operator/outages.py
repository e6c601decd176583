"""What it looks like when something that the operator needs is away: errors to wait out, unlike defects."""

import asyncpg
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from secapi_operator.kube import KubeError

LEDGER_DOWN = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""SQLAlchemy wraps the driver's errors, except those of connecting."""

_OUTAGES = (*LEDGER_DOWN, KombuError, KubeError, RedisError)


def is_defect(error: Exception) -> bool:
    """Whether ``error`` is none of what an outage looks like: its log entry needs the stack, and somebody to see it."""
    return not isinstance(error, _OUTAGES)
