"""``/v1/dead-letters``."""

from collections.abc import Iterator
from uuid import UUID

from secapi_client.connection import Connection
from secapi_client.models.dead_letters import DeadLetter
from secapi_client.models.scans import SubmittedScan


class DeadLetters:
    """Jobs that used up their attempts."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(
        self,
        *,
        namespace: str | None = None,
        scanner: str | None = None,
        reason: str | None = None,
        replayed: bool | None = None,
        limit: int | None = None,
    ) -> Iterator[DeadLetter]:
        """Newest first; without a namespace, of all that the key may see."""
        parameters = {"namespace": namespace, "scanner": scanner, "reason": reason, "replayed": replayed}
        return self._connection.items("/v1/dead-letters", DeadLetter, parameters, limit)

    def get(self, letter_id: UUID) -> DeadLetter:
        """One dead letter."""
        return self._connection.get(f"/v1/dead-letters/{letter_id}", DeadLetter)

    def replay(self, letter_id: UUID) -> SubmittedScan:
        """Run the job again as a scan of its own; replaying again gives the same scan."""
        answer = self._connection.send("POST", f"/v1/dead-letters/{letter_id}/replay", repeatable=True)
        return self._connection.read(SubmittedScan, answer)

    def purge(self, letter_id: UUID) -> None:
        """Take the letter off the list, replayed or not."""
        self._connection.delete(f"/v1/dead-letters/{letter_id}")
