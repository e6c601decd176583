"""Following a scan until it ends.

Whoever follows sees an iterator of what there is to see now. It polls, faster while things change; a stream of events
from the server can take its place without anybody noticing.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from secapi_client.models.scans import Scan, ScanJob

SHORTEST = 0.3
LONGEST = 5.0
SLOWER = 1.4


@dataclass(frozen=True, slots=True)
class Progress:
    """A scan and its jobs at one moment."""

    scan: Scan
    jobs: tuple[ScanJob, ...]


def follow(look: Callable[[], Progress]) -> Iterator[Progress]:
    """What ``look`` sees, whenever it has changed, until the scan has ended; that comes last."""
    seen: Progress | None = None
    pause = SHORTEST
    while True:
        now = look()
        if now != seen:
            yield now
            seen, pause = now, SHORTEST
        if now.scan.ended:
            return
        time.sleep(pause)  # Polling, for as long as the scan takes: there is nothing here that could wake us.
        pause = min(pause * SLOWER, LONGEST)
