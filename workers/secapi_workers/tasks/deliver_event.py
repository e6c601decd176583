"""The message of the system pool: look at this delivery."""

from uuid import UUID

from secapi_core.messages import DELIVER_EVENT
from secapi_workers.tasks.look import Look


class DeliverEvent(Look):
    """Tell a webhook what has happened, if this delivery can be claimed."""

    name = DELIVER_EVENT

    def look(self, subject_id: UUID) -> None:
        """Raises Drained if this worker takes no more."""
        self.process.deliver_event(subject_id)
