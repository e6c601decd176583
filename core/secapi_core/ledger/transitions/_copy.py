"""COPY that survives a bad row: what Postgres or its driver refuses is found by halving and left out (promise P11).

Findings are made of bounded, clean text, so this should never be needed; it is here because a report is hostile input
and losing a whole report to one entry is not acceptable.
"""

from collections.abc import Sequence
from typing import Any

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

Row = tuple[Any, ...]


async def copy_rows(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, columns: Sequence[str], rows: Sequence[Row]
) -> list[tuple[Row, str]]:
    """COPY ``rows`` into ``table``; returns those that were refused, in order, with the reasons.

    Runs in savepoints of the transaction that is open on ``connection``.
    """
    try:
        async with connection.transaction():
            await connection.copy_records_to_table(table, columns=columns, records=rows)
    except _BAD_ROW as error:
        if len(rows) == 1:
            return [(rows[0], f"{type(error).__name__}: {error}")]
        middle = len(rows) // 2
        refused = await copy_rows(connection, table, columns, rows[:middle])
        return refused + await copy_rows(connection, table, columns, rows[middle:])
    return []
