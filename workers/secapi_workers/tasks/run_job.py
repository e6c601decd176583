"""The one message of the main road: look at this job."""

from uuid import UUID

from secapi_core.messages import RUN_JOB
from secapi_workers.tasks.look import Look


class RunJob(Look):
    """Run the job if it can be claimed."""

    name = RUN_JOB

    def look(self, subject_id: UUID) -> None:
        """Raises Drained if this worker takes no more."""
        self.process.run_job(subject_id)
