"""The operator's settings, from environment variables. Durations are seconds."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from secapi_core.settings import Settings

Positive = Field(gt=0, le=86_400)


class Tuning(BaseSettings):
    """What one operator process does, its paces and its bounds, from ``SECAPI_OPERATOR_…``."""

    model_config = SettingsConfigDict(
        env_prefix="SECAPI_OPERATOR_", extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    probe_host: str = "127.0.0.1"
    """Address of probes and metrics; a pod needs ``0.0.0.0``."""

    probe_port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    """Where ``/healthz``, ``/readyz`` and ``/metrics`` are served; 0 takes a free port and logs it."""

    catalogue_dir: Path | None = None
    """Directory of Scanner manifests that the leader applies when it begins to lead, and every hour."""

    workers: Annotated[int, Field(ge=1, le=128)] = 16
    """Scans that are reconciled at the same time."""

    kubernetes_qps: Annotated[float, Field(gt=0, le=5_000)] = 200.0
    """Requests to the apiserver a second, sustained; Lease renewals are not held back."""

    kubernetes_burst: Annotated[int, Field(ge=1, le=10_000)] = 400
    """Requests that may come at once after a pause."""

    kubernetes_concurrency: Annotated[int, Field(ge=1, le=500)] = 32
    """Requests under way at the same time."""

    kubernetes_timeout: Annotated[float, Field(gt=0, le=300)] = 15.0
    """Longest wait for one answer of the apiserver."""

    lease_name: str = "secapi-operator"
    """Whoever holds the Lease of this name leads."""

    lease_duration: Annotated[float, Field(ge=1, le=300)] = 15.0
    """A leader that is silent for this long is replaced."""

    renew_deadline: Annotated[float, Field(ge=0.5, le=300)] = 10.0
    """A leader that could not renew for this long stops its work; must be shorter than ``lease_duration``."""

    retry_period: Annotated[float, Field(ge=0.1, le=60)] = 2.0
    """How often the leader renews its Lease and the others look at it."""

    queued_status_delay: Annotated[float, Field(ge=0, le=300)] = 5.0
    """A scan that waits this long shows that it does; one that starts earlier is spared the write."""

    running_status_delay: Annotated[float, Field(ge=0, le=300)] = 1.0
    """A scan shows ``Running`` from this age; one that is finished earlier gets a single write."""

    interim_status_qps: Annotated[float, Field(gt=0, le=5_000)] = 10.0
    """Scans a second that may show that they are queued or running; the rest of a burst shows ``Pending`` until its
    turn, or its end. The API always says how far a scan is."""

    interim_status_burst: Annotated[int, Field(ge=1, le=10_000)] = 50
    """Scans that may show so at once after a pause."""

    backoff_ceiling: Annotated[float, Positive] = 60.0
    """Longest pause between two tries of a scan that cannot be reconciled."""

    relist_interval: Annotated[float, Positive] = 300.0
    """How often the objects in memory are compared with a full list, for deletions that a watch missed."""

    sweep_interval: Annotated[float, Positive] = 60.0
    """How often ledger and custom resources are compared."""

    reap_interval: Annotated[float, Positive] = 5.0
    """How often expired leases of workers are looked for."""

    redispatch_interval: Annotated[float, Positive] = 5.0
    """How often the ledger's queued jobs are compared with the broker's queues."""

    redispatch_age: Annotated[float, Field(ge=0, le=3_600)] = 20.0
    """A message must be this old before it can count as lost."""

    outbox_poll_interval: Annotated[float, Positive] = 2.0
    """Longest time between two looks at the outbox, should a notification be missed."""

    gauge_interval: Annotated[float, Positive] = 10.0
    """How often the gauges that come from the ledger are refreshed."""

    shutdown_grace: Annotated[float, Field(ge=0, le=60)] = 5.0
    """How long reconciles under way may take to finish once the process is told to stop."""

    @model_validator(mode="after")
    def _stop_before_replaced(self) -> Self:
        if self.renew_deadline >= self.lease_duration:
            raise ValueError("renew_deadline must be shorter than lease_duration, or two leaders overlap")
        return self


class OperatorSettings(Settings):
    """Addresses of what the operator talks to, from ``SECAPI_…``.

    The Kubernetes API is found as every client finds it: ``KUBECONFIG``, else the pod's service account.
    """

    # What is wrong with a setting is told without quoting it or its neighbours: some are secrets.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    redis_url: SecretStr
    """``redis://…``: the broker that takes messages for workers."""

    database_pool_size: Annotated[int, Field(ge=2, le=200)] = 10
    """Connections to Postgres at most."""

    denied_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    """The cluster's own ranges (pods, services, nodes), as a JSON list: scanned only where a policy names them."""

    max_jobs_per_scan: Annotated[int, Field(ge=1, le=2_000)] = 2_000
    """Ceiling for every namespace; policies can only lower it."""

    webhook_retention_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """What webhooks were told is kept for so many days; what is still to be sent for as long as it takes."""

    pod_namespace: Annotated[str, Field(validation_alias="POD_NAMESPACE")] = "secapi-system"
    """Where the Lease lives."""

    pod_name: Annotated[str | None, Field(validation_alias="POD_NAME")] = None
    """Begins this process's identity in the Lease; the host's name where it is not set."""

    tuning: Tuning = Field(default_factory=Tuning)
