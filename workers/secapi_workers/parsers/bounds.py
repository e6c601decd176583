"""Bounds on what is read from a report and on what comes out of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import BinaryIO

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Finding, Quarantined

CHUNK = 32 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """Ceilings for one report. Those that are exceeded end the parse with ``JobFailed``, except for single entries.

    ``max_entry_bytes`` is the memory that one entry (a result, a host) may take once it is read; a larger one is
    quarantined. ``max_token_bytes`` is the longest single text, number, tag or gap between two of them; ``max_tokens``
    bounds the time, of which a megabyte of brackets takes as much as twenty of text.
    """

    max_bytes: int = 128 * 1024 * 1024
    max_findings: int = 100_000
    max_quarantined: int = 1_000
    max_depth: int = 64
    max_entry_bytes: int = 8 * 1024 * 1024
    max_token_bytes: int = 1024 * 1024
    max_tokens: int = 10_000_000


Parse = Callable[[BinaryIO, ParseLimits], Iterator[Finding | Quarantined]]


def invalid(sentence: str) -> JobFailed:
    """The error for a report that cannot be read as what it should be."""
    return JobFailed(FailureReason.OUTPUT_INVALID, sentence)


def chunks(stream: BinaryIO, limits: ParseLimits) -> Iterator[bytes]:
    """The report in pieces of at most ``CHUNK`` bytes, without a UTF-8 byte order mark."""
    total = 0
    while chunk := stream.read(CHUNK):
        first = total == 0
        total += len(chunk)
        if total > limits.max_bytes:
            ceiling = limits.max_bytes / 2**20
            raise JobFailed(FailureReason.OUTPUT_TOO_LARGE, f"the report is larger than {ceiling:g} MiB")
        yield chunk.removeprefix(_BOM) if first else chunk
    if not total:
        raise JobFailed(FailureReason.OUTPUT_MISSING, "the report is empty")


class Meter:
    """Holds a tokenizer to its limits: how much it keeps back without producing a token, and how many it produces."""

    def __init__(self, limits: ParseLimits) -> None:
        """Start with nothing kept back and nothing produced."""
        self._limits = limits
        self._kept_back = self._tokens = 0

    def count(self, chunk: bytes, tokens: int) -> None:
        """Note how many tokens a chunk gave; raises ``JobFailed`` when a limit is exceeded."""
        self._tokens += tokens
        self._kept_back = 0 if tokens else self._kept_back + len(chunk)
        if self._kept_back > self._limits.max_token_bytes:
            raise invalid(f"the report holds a single value of more than {self._limits.max_token_bytes / 2**20:g} MiB")
        if self._tokens > self._limits.max_tokens:
            ceiling = f"{self._limits.max_tokens:,}"
            raise JobFailed(FailureReason.OUTPUT_TOO_LARGE, f"the report consists of more than {ceiling} values")


def bounded(parse: Parse) -> Parse:
    """Hold a parser to the number of findings and of quarantined entries that ``ParseLimits`` allows.

    Dropping what is above would be a silent hole in the result, and a report full of entries that cannot be read is
    not a report of that format: both fail the job.
    """

    @wraps(parse)
    def within_limits(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
        findings = quarantined = 0
        for item in parse(stream, limits):
            if isinstance(item, Finding):
                findings += 1
            else:
                quarantined += 1
            if findings > limits.max_findings:
                ceiling = f"{limits.max_findings:,}"
                raise JobFailed(FailureReason.OUTPUT_TOO_LARGE, f"the report has more than {ceiling} findings")
            if quarantined > limits.max_quarantined:
                problem = item.problem if isinstance(item, Quarantined) else ""
                raise invalid(
                    f"more than {limits.max_quarantined:,} entries of the report are bad; the last: {problem}"
                )
            yield item

    return within_limits
