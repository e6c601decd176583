"""The SQL that a query of the ledger sends, to be explained or to be sent by somebody else."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.database import Database

Query = Callable[[AsyncSession], Awaitable[object]]


class _Caught(Exception):
    """A statement on its way to the server."""

    def __init__(self, statement: str, parameters: Sequence[Any]) -> None:
        self.statement, self.parameters = statement, parameters


async def statement_of(database: Database, query: Query) -> tuple[str, Sequence[Any]]:
    """The first statement of ``query`` and its parameters, as asyncpg takes them. It is not sent.

    Sending it first would bring the pages it reads into memory, and its measurement with it.
    """

    def catch(_connection: Any, _cursor: Any, statement: str, parameters: Sequence[Any], *_: Any) -> None:
        raise _Caught(statement, parameters)

    event.listen(database.engine.sync_engine, "before_cursor_execute", catch)
    try:
        async with database.transaction() as session:
            await query(session)
    except _Caught as caught:
        return caught.statement, caught.parameters
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", catch)
    raise AssertionError("the query sends nothing")
