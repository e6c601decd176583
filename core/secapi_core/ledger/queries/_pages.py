"""Pages of rows whose ids sort by creation: newest first, by the id alone."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from secapi_core.paging import Page, decode_id, encode_cursor

T = TypeVar("T")


async def newest_first(
    session: AsyncSession,
    query: Select[Any],
    key: InstrumentedAttribute[UUID],
    kind: Callable[..., T],
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """At most ``limit`` rows of ``query``, each as a ``kind``; ``key`` is its id, selected as ``id``.

    Raises InvalidCursor.
    """
    query = query.order_by(key.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(key < decode_id(cursor))
    rows = (await session.execute(query)).mappings().all()
    following = encode_cursor(str(rows[limit - 1]["id"])) if len(rows) > limit else None
    return Page([kind(**row) for row in rows[:limit]], following)
