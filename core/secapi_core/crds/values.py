"""The texts that the kinds are made of, each with its bounds and its one sentence; see also ``network_values``."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from secapi_core.crds.constraints import pattern, rule, text, word

Digest = Annotated[
    str,
    Field(max_length=71),
    word("must be 'sha256:' and 64 lower-case hexadecimal digits", like=r"sha256:[0-9a-f]{64}"),
]

GitRef = Annotated[
    str,
    Field(min_length=1, max_length=255),
    text(
        "must be a branch, tag or commit as git allows them: not beginning with '-', without spaces, '..' or any of "
        "~ ^ : ? * [ \\",
        like=r"[^\x00-\x20\x7F~^:?*\[\\/-][^\x00-\x20\x7F~^:?*\[\\]*",
        unlike=r"\.\.|@\{|//|/$|\.$|\.lock(?:/|$)",
    ),
]

RelativePath = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    text(
        "must be a relative path such as src/app, with '/', without '.' or '..' segments and not beginning with '-'",
        like=r"[^\x00-\x1F\x7F\\]+",
        unlike=r"^[/-]|//|(?:^|/)\.\.?(?:/|$)",
    ),
]

ArtifactName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    word(
        "must be letters, digits and '.', '_', '/', '-', beginning and ending with a letter or digit",
        like=r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?",
    ),
]


def _cron_field(value: str) -> str:
    item = rf"(?:\*|(?:{value})(?:-(?:{value}))?)(?:/[1-9][0-9]?)?"
    return rf"{item}(?:,{item})*"


CronExpression = Annotated[
    str,
    Field(min_length=1, max_length=256),
    text(
        "must be five cron fields (minute, hour, day of month, month, day of week), e.g. '30 2 * * mon-fri'",
        like=" +".join(
            _cron_field(values)
            for values in (
                "[0-5]?[0-9]",
                "[01]?[0-9]|2[0-3]",
                "0?[1-9]|[12][0-9]|3[01]",
                "0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
                "[0-7]|sun|mon|tue|wed|thu|fri|sat",
            )
        ),
    ),
]


def _is_time_zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return False
    return True


_ZONE_CEL, _has_zone_shape = pattern(like=r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")

TimeZone = Annotated[
    str,
    Field(min_length=1, max_length=64),
    rule(
        "must be an IANA time zone such as Europe/Berlin or Etc/UTC",
        f"self != 'Local' && {_ZONE_CEL} && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
        lambda value: _has_zone_shape(value) and _is_time_zone(value),
    ),
]
