"""How tests prepare a target, and ask why that failed."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from secapi_core.errors import SecapiError
from secapi_core.failures import FailureReason

Prepare = Callable[..., Any]
"""Prepares a target as a job of a scope that allows loopback; more fields of the job by keyword."""


async def reason(prepared: Awaitable[object]) -> tuple[FailureReason, str]:
    """Why the target cannot be prepared."""
    with pytest.raises(SecapiError) as failed:
        await prepared
    return failed.value.failure.reason, failed.value.failure.message


def tree(source: Path | None) -> dict[str, str]:
    """What the files of a tree hold, by path; a link gives what it leads to."""
    assert source is not None
    return {str(p.relative_to(source)): p.read_text() for p in source.rglob("*") if p.is_file() or p.is_symlink()}
