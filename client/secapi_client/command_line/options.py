"""Parameters that commands share, as ``Annotated`` aliases."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

_DURATION = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | datetime) -> datetime:
    """A time (RFC 3339) or an age (``30m``, ``24h``, ``7d``), as a time with a zone."""
    if isinstance(text, datetime):
        return text
    return _past_or_future(text, "an age", -1)


def deadline(text: str | datetime) -> datetime:
    """A time (RFC 3339) or how long from now (``24h``, ``90d``), as a time with a zone."""
    if isinstance(text, datetime):
        return text
    return _past_or_future(text, "how long from now", 1)


def duration(text: str | timedelta) -> timedelta:
    """``30m``, ``24h``, ``7d``."""
    if isinstance(text, timedelta):
        return text
    if (long := _duration(text)) is None:
        raise typer.BadParameter(f"{text!r} is not a duration like 30m, 24h or 7d")
    return long


def _past_or_future(text: str, distance: str, sign: int) -> datetime:
    if (away := _duration(text)) is not None:
        return datetime.now(UTC) + sign * away
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a time like 2026-11-26T09:30:00Z nor {distance} like 24h"
        ) from None
    return when if when.tzinfo is not None else when.astimezone()


def _duration(text: str) -> timedelta | None:
    found = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[found["unit"]]: int(found["number"])}) if found else None


Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", envvar="SECAPI_NAMESPACE", help="Otherwise the context's.", show_default=False),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="All that the key may see.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0 for all.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since", parser=moment, metavar="TIME", help="A time (2026-11-26T09:30:00Z) or an age (30m, 24h, 7d)."
    ),
]
Expires = Annotated[
    datetime | None,
    typer.Option(
        "--expires", parser=deadline, metavar="TIME", help="A time (2027-01-31T00:00:00Z) or how long from now (90d)."
    ),
]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Watch it until it has ended.")]
ScanId = Annotated[UUID, typer.Argument(metavar="SCAN", help="The scan's id.", show_default=False)]
ObjectName = Annotated[str, typer.Argument(metavar="NAME", help="In its namespace.", show_default=False)]
