"""What a worker can be told, from ``SECAPI_…`` environment variables."""

import tempfile
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from secapi_core.messages import SYSTEM_POOL
from secapi_core.settings import LeaseSettings, Settings, WebhookSettings
from secapi_core.webhooks.schedule import PAUSES

MIB = 1024 * 1024


class WorkerSettings(Settings, LeaseSettings, WebhookSettings):
    """Settings of ``secapi-worker``."""

    redis_url: SecretStr
    """The Celery broker, e.g. ``redis://:password@host:6379/0``."""

    artifact_url: str
    """Where uploaded source archives are; see ``secapi_core.objects.ArtifactStore``."""

    database_pool_size: Annotated[int, Field(ge=2, le=200)] = 2
    """Each worker process runs one job: one connection for its results, one for the heartbeat beside it. Events for
    webhooks have as many of their own."""

    statement_timeout: Annotated[float, Field(gt=0, le=600)] = 120.0
    """Committing a large report takes longer than any query of an API."""

    worker_pools: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)] = ("network", "code")
    """Pools whose queues this worker serves, separated by commas; ``system`` tells webhooks of what has happened."""

    worker_concurrency: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes, that is jobs at a time."""

    worker_jobs_per_process: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """A process is replaced after so many jobs, which bounds whatever libraries leak."""

    worker_metrics_host: str = "127.0.0.1"
    """Address of probes and metrics; a pod needs ``0.0.0.0``."""

    worker_metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Port of ``/metrics``, ``/healthz`` and ``/readyz``; 0 serves none."""

    tools_dir: Path = Path("/opt/secapi/tools")
    """Where scanner tools are installed; their commands are in its ``bin``."""

    workdir: Path = Path(tempfile.gettempdir()) / "secapi-worker"
    """Where runs keep their private, temporary files."""

    drain_seconds: Annotated[float, Field(ge=0, le=86_400)] = 25.0
    """How long a running job may go on after SIGTERM before it is given back; less than the pod's grace period."""

    source_max_mib: Annotated[int, Field(ge=1, le=65_536)] = 1_024
    """Largest source tree or archive, unpacked."""

    source_timeout: Annotated[float, Field(gt=0, le=3_600)] = 300.0
    """Longest time to fetch and unpack a source."""

    webhook_max_attempts: Annotated[int, Field(ge=1, le=len(PAUSES) + 1)] = len(PAUSES) + 1
    """An event is sent to a webhook so often before it is given up, which takes three days."""

    webhook_timeout: Annotated[float, Field(gt=0, le=60)] = 15.0
    """Longest wait for a webhook's answer."""

    webhook_concurrency: Annotated[int, Field(ge=1, le=1_000)] = 64
    """Events that each process sends at a time: at most a quarter are of one namespace, a sixteenth of one webhook."""

    webhook_disable_after: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """A webhook is disabled when so many events in a row could not be delivered."""

    @field_validator("worker_pools", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(pool.strip() for pool in value.split(",") if pool.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _can_sign(self) -> Self:
        if SYSTEM_POOL in self.worker_pools and self.webhook_key is None:
            raise ValueError("set SECAPI_WEBHOOK_KEY: the system pool signs what it tells webhooks")
        return self
