"""A report in batches, each made ready in a thread while the one before is stored.

Reading a report and turning its entries into rows is work for the processor, storing them is waiting for Postgres. In
a thread of its own the first neither holds up the second nor the heartbeats that share the event loop with it.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from itertools import islice
from typing import NamedTuple

from secapi_core.findings import Finding
from secapi_core.ledger.transitions._finding_rows import Content, content, content_digest

BATCH = 2_000
"""Findings that are made ready, looked up and sent at a time."""


class Entry(NamedTuple):
    """A finding with its identity and its row."""

    fingerprint: bytes
    finding: Finding
    content: Content
    digest: bytes


async def batches(findings: Iterable[tuple[bytes, Finding]]) -> AsyncGenerator[list[Entry]]:
    """Up to two batches exist at a time. Close the iterator: it waits for its thread, which cannot be interrupted."""
    iterator = iter(findings)
    coming = _read(iterator)
    try:
        while batch := await coming:
            if len(batch) < BATCH:
                yield batch
                return
            coming = _read(iterator)
            yield batch
    finally:
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()  # whoever closed the iterator early has an error of its own to tell


def _read(iterator: Iterable[tuple[bytes, Finding]]) -> "asyncio.Task[list[Entry]]":
    return asyncio.create_task(asyncio.to_thread(_entries, iterator))


def _entries(iterator: Iterable[tuple[bytes, Finding]]) -> list[Entry]:
    return [_entry(fingerprint, finding) for fingerprint, finding in islice(iterator, BATCH)]


def _entry(fingerprint: bytes, finding: Finding) -> Entry:
    values = content(finding)
    return Entry(fingerprint, finding, values, content_digest(values))
