"""How Alembic reaches the database: one transaction, one migrator at a time.

``secapi-migrate`` hands over its connection. Alembic's own command line is for whoever writes migrations, and reads
``SECAPI_DATABASE_URL``. Migrators that start together wait for each other; the second finds nothing left to do.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from secapi_core.ledger.address import connector, engine_url
from secapi_core.ledger.tables import Base
from secapi_migrations.lock import lock


def _run(connection: Connection) -> None:
    lock(connection)
    # A migration that queues behind a long transaction would hold up everybody who comes after it.
    connection.execute(text("SET LOCAL lock_timeout = '30s'"))
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    context.run_migrations()


async def _run_online() -> None:
    address = os.environ["SECAPI_DATABASE_URL"]
    engine = create_async_engine(
        engine_url(address), poolclass=pool.NullPool, async_creator=connector(address, within=60)
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if context.is_offline_mode():
    # ``alembic upgrade head --sql``: for a database administrator to read or to run by hand.
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif given is not None:
    _run(given)
else:
    asyncio.run(_run_online())
