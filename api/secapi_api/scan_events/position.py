"""What a client has seen of a scan, as the id of an event: enough to go on from, so no log of events is kept. Pure."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

_LIMIT = 4_096
"""Characters of the longest id; with as many jobs as a scan may have, in any states, it stays below 3,500."""

_JOBS_LIMIT = 2_000
_RAW_DEFLATE = -15


@dataclass(slots=True)
class Position:
    """The scan's version, and for each job by ordinal the step that was seen last; 0 is a job never seen."""

    version: int = 0
    steps: bytearray = field(default_factory=bytearray)

    def grow(self, jobs: int) -> None:
        """Have a step for each of so many jobs and for no more."""
        self.steps = self.steps[:jobs].ljust(jobs, b"\0")

    def event_id(self, scan_id: UUID) -> str:
        """The position in letters, bound to the scan by a checksum."""
        packer = zlib.compressobj(1, wbits=_RAW_DEFLATE)
        packed = self.version.to_bytes(4) + packer.compress(self.steps) + packer.flush()
        return urlsafe_b64encode(_checksum(scan_id, packed) + packed).decode().rstrip("=")

    @classmethod
    def after(cls, event_id: str | None, scan_id: UUID) -> Self:
        """The position that an event's id names; the beginning for anything that is not an id of this scan's events."""
        if not event_id or len(event_id) > _LIMIT:
            return cls()
        try:
            raw = urlsafe_b64decode(event_id + "=" * (-len(event_id) % 4))
            checksum, packed = raw[:4], raw[4:]
            if checksum != _checksum(scan_id, packed):
                return cls()
            steps = zlib.decompressobj(wbits=_RAW_DEFLATE).decompress(packed[4:], _JOBS_LIMIT)
        except (ValueError, zlib.error):
            return cls()
        return cls(int.from_bytes(packed[:4]), bytearray(steps))


def _checksum(scan_id: UUID, packed: bytes) -> bytes:
    return zlib.crc32(packed, zlib.crc32(scan_id.bytes)).to_bytes(4)
