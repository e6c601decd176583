"""``secapi-migrate``: bring the database to the newest schema and end; running it again is free.

Several may run at once, as the init containers of several pods do: one migrates, the others wait for it.
"""

import argparse
import asyncio
import logging
import sys
import time

import structlog

from secapi_core import logs
from secapi_core.environment import read_settings
from secapi_migrations import revisions
from secapi_migrations.database import DatabaseAway, DatabaseRefuses, transaction
from secapi_migrations.settings import MigrationSettings

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 2.0


def main() -> None:
    """Entry point of the console script; exit status 1 and one sentence when the database is away or refuses."""
    parser = argparse.ArgumentParser("secapi-migrate", description="Bring the database to the newest schema.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 0 only if the schema is the newest")
    arguments = parser.parse_args()
    settings = read_settings(MigrationSettings)
    logs.configure("info", "json", component="migrations")
    # Four lines about its own ways before each of ours.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        asyncio.run(check(settings) if arguments.check else migrate(settings))
    except (DatabaseAway, DatabaseRefuses) as error:
        sys.exit(f"secapi-migrate: the database in SECAPI_DATABASE_URL cannot be used: {error}")


async def migrate(settings: MigrationSettings) -> None:
    """Wait for the database and upgrade it; a connection that is lost on the way is an outage to wait out, too."""
    deadline = time.monotonic() + settings.migrate_wait
    while True:
        try:
            async with transaction(settings.database_url) as connection:
                before, after = await connection.run_sync(revisions.upgrade)
        except DatabaseAway as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            log.warning("waiting for the database", error=str(error), seconds_left=round(left))
            await asyncio.sleep(min(PAUSE_SECONDS, left))
        else:
            _tell(before, after)
            return


def _tell(before: str | None, after: str | None) -> None:
    if not revisions.is_known(after):
        log.warning("the schema is of a later version and stays as it is", revision=after)
    elif before == after:
        log.info("schema is the newest", revision=after)
    else:
        log.info("schema migrated", **{"from": before, "to": after})


async def check(settings: MigrationSettings) -> None:
    """End the process with status 1 unless the schema is the newest."""
    async with transaction(settings.database_url) as connection:
        found = await connection.run_sync(revisions.current)
    if found != revisions.newest():
        sys.exit(f"secapi-migrate: the schema is at {found or 'nothing'}, not at {revisions.newest()}")
    log.info("schema is the newest", revision=found)


if __name__ == "__main__":
    main()
