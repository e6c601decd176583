"""The one message of the main road: look at this job."""

from uuid import UUID

import structlog
from celery import Task
from celery.worker.request import Request

from secapi_core.messages import RUN_JOB
from secapi_workers.process import WorkerProcess
from secapi_workers.runner.jobs import Drained

log = structlog.get_logger(__name__)


class Hint(Request):  # type: ignore[misc]  # Celery has no types
    """A message that was gone from the broker when it was taken, so there is nothing to acknowledge."""

    def acknowledge(self) -> None:
        """Do not tell the broker."""
        self.acknowledged = True


class RunJob(Task):  # type: ignore[misc]  # Celery has no types
    """A thin wrapper: the ledger decides whether there is anything to do, and every outcome is there, not in Celery."""

    name = RUN_JOB
    ignore_result = True
    Request = Hint

    def __init__(self, process: WorkerProcess) -> None:
        """Run jobs in ``process``, which Celery's signals open and close around a process's life."""
        self.process = process

    def run(self, job_id: object) -> None:
        """Run the job; a message that names none is dropped, because it will not get better by being sent again."""
        try:
            identifier = UUID(str(job_id))
        except ValueError:
            log.warning("message names no job", job_id=str(job_id)[:100])
            return
        try:
            self.process.run_job(identifier)
        except Drained:
            queue = self.request.delivery_info["routing_key"]
            self.app.send_task(RUN_JOB, args=[job_id], queue=queue, task_id=self.request.id)
