"""The gauge of a process's database connections.

It is set when a connection is taken or given back, not when it is scraped: a worker's connections belong to processes
that nobody scrapes, and what those wrote down last is what the parent adds up.
"""

from sqlalchemy import QueuePool, event
from sqlalchemy.ext.asyncio import AsyncEngine

from secapi_core.metrics import DATABASE_CONNECTIONS


def watch_pool(*engines: AsyncEngine) -> None:
    """Keep ``secapi_database_pool_connections`` up to date with the pools of ``engines``, all of a process."""
    pools = [_pool(engine) for engine in engines]
    in_use, idle, unopened = (DATABASE_CONNECTIONS.labels(state) for state in ("in_use", "idle", "unopened"))

    def show(returned: int) -> None:
        used = sum(pool.checkedout() for pool in pools) - returned
        free = sum(pool.checkedin() for pool in pools) + returned
        in_use.set(used)
        idle.set(free)
        unopened.set(sum(pool.size() for pool in pools) - used - free)

    for pool in pools:
        event.listen(pool, "checkout", lambda *_: show(0))
        # The pool tells of it just before it takes the connection back.
        event.listen(pool, "checkin", lambda *_: show(1))
    show(0)


def _pool(engine: AsyncEngine) -> QueuePool:
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)  # noqa: S101 -- narrows the type; create_async_engine makes this kind
    return pool
