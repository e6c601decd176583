"""COPY that survives a bad row: what Postgres or its driver refuses is found by halving and left out (promise P11).

Findings are made of bounded, clean text, so this should never be needed; it is here because a report is hostile input
and losing a whole report to one entry is not acceptable.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

_BAD_ROW = (
    # From the server: SQLSTATE class 22, constraints on one row, index rows that are too long.
    asyncpg.DataError,
    asyncpg.CheckViolationError,
    asyncpg.NotNullViolationError,
    asyncpg.ProgramLimitExceededError,
    # From the driver, which has its own types for each column.
    ValueError,
    TypeError,
    ArithmeticError,
)


class Refused(NamedTuple):
    """The place of a row that was not written, and why."""

    row: int
    problem: str


async def copy_rows(
    connection: "asyncpg.Connection[asyncpg.Record]",
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    start: int = 0,
) -> list[Refused]:
    """COPY ``rows`` into ``table``; returns those that were refused, counted from ``start``.

    Runs in a savepoint of the transaction that is open on ``connection``.
    """
    try:
        async with connection.transaction():
            await connection.copy_records_to_table(table, columns=columns, records=rows)
    except _BAD_ROW as error:
        if len(rows) == 1:
            return [Refused(start, f"{type(error).__name__}: {error}")]
        middle = len(rows) // 2
        return [
            *await copy_rows(connection, table, columns, rows[:middle], start=start),
            *await copy_rows(connection, table, columns, rows[middle:], start=start + middle),
        ]
    return []
