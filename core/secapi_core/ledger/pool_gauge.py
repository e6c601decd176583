"""The gauge of a process's database connections.

It is set when a connection is taken or given back, not when it is scraped: a worker's connections belong to processes
that nobody scrapes, and what those wrote down last is what the parent adds up.
"""

from sqlalchemy import QueuePool, event
from sqlalchemy.ext.asyncio import AsyncEngine

from secapi_core.metrics import DATABASE_CONNECTIONS


def watch_pool(engine: AsyncEngine) -> None:
    """Keep ``secapi_database_pool_connections`` up to date with the pool of ``engine``, one per process."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)  # noqa: S101 -- narrows the type; create_async_engine makes this kind
    in_use, idle, unopened = (DATABASE_CONNECTIONS.labels(state) for state in ("in_use", "idle", "unopened"))

    def show(used: int, free: int) -> None:
        in_use.set(used)
        idle.set(free)
        unopened.set(pool.size() - used - free)

    def taken(*_: object) -> None:
        show(pool.checkedout(), pool.checkedin())

    def returned(*_: object) -> None:
        # The pool tells of it just before it takes the connection back.
        show(pool.checkedout() - 1, pool.checkedin() + 1)

    event.listen(pool, "checkout", taken)
    event.listen(pool, "checkin", returned)
    show(0, 0)
