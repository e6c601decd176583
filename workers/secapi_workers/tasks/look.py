"""What all messages have in common: they name something of the ledger to look at, and are gone once taken."""

from uuid import UUID

import structlog
from celery import Task
from celery.worker.request import Request

from secapi_workers.process import WorkerProcess
from secapi_workers.runner.jobs import Drained

log = structlog.get_logger(__name__)


class Hint(Request):  # type: ignore[misc]  # Celery has no types
    """A message that was gone from the broker when it was taken, so there is nothing to acknowledge."""

    def acknowledge(self) -> None:
        """Do not tell the broker."""
        self.acknowledged = True


class Look(Task):  # type: ignore[misc]  # Celery has no types
    """A thin wrapper: the ledger decides whether there is anything to do, and every outcome is there, not in Celery."""

    ignore_result = True
    Request = Hint

    def __init__(self, process: WorkerProcess) -> None:
        """Work in ``process``, which Celery's signals open and close around a process's life."""
        self.process = process

    def look(self, subject_id: UUID) -> None:
        """Do what there is to do; raises Drained if this worker takes no more."""
        raise NotImplementedError

    def run(self, subject_id: object) -> None:
        """Look at it; a message that names nothing is dropped, because it will not get better by being sent again."""
        try:
            identifier = UUID(str(subject_id))
        except ValueError:
            log.warning("message names nothing", task=self.name, subject=str(subject_id)[:100])
            return
        try:
            self.look(identifier)
        except Drained:
            queue = self.request.delivery_info["routing_key"]
            self.app.send_task(self.name, args=[subject_id], queue=queue, task_id=self.request.id)
