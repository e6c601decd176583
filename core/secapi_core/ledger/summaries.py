"""Summaries of scans as transitions pass them on: a row of ``scans`` as JSON, made by the statement that changes it.

They are collected in the session and handed over when its transaction has committed, so nobody outside sees what is
rolled back, and a change costs no second statement (docs/decisions/0019).
"""

from sqlalchemy.ext.asyncio import AsyncSession

SUMMARY = "CAST(to_jsonb(scans) - 'scope' AS text)"
"""The row that a statement reads or leaves; what policy allowed at the time is for workers only."""

_KEY = "secapi_scan_summaries"


def note_summary(session: AsyncSession, summary: str | None) -> bool:
    """Pass on what a statement returned, if it changed a scan, and say whether it did."""
    if summary is None:
        return False
    session.info.setdefault(_KEY, []).append(summary)
    return True


def summaries_in(session: AsyncSession) -> list[str]:
    """What the session's transaction has changed, in this order; a scan may be there more than once."""
    noted: list[str] = session.info.get(_KEY, [])
    return noted
