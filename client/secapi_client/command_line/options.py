"""Parameters that commands share, as ``Annotated`` aliases."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

_AGE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | datetime) -> datetime:
    """A time (RFC 3339) or an age (``30m``, ``24h``, ``7d``), as a time with a zone."""
    if isinstance(text, datetime):
        return text
    if age := _AGE.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[age["unit"]]: int(age["number"])})
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a time like 2026-11-26T09:30:00Z nor an age like 24h") from None
    return when if when.tzinfo is not None else when.astimezone()


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
ScanId = Annotated[UUID, typer.Argument(metavar="SCAN", help="The scan's id.", show_default=False)]
