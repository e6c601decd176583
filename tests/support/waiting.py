"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def until(probe: Callable[[], Awaitable[T | None]], *, within: float = ..., every: float = ...) -> T: ...
@overload
async def until(probe: Callable[[], T | None], *, within: float = ..., every: float = ...) -> T: ...
async def until(probe: Callable[[], Any], *, within: float = 10.0, every: float = 0.02) -> Any:
    """The probe's first truthy answer; the test fails with its last one when the deadline passes."""
    deadline = time.monotonic() + within
    while True:
        answer = probe()
        value = await answer if isawaitable(answer) else answer
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within} s; the last answer was {value!r}"
        await asyncio.sleep(every)
