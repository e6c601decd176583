"""Settings that more than one component reads, from ``SECAPI_…`` environment variables; nothing has a default secret.

A component subclasses :class:`Settings` for its own. Durations are seconds unless the name says otherwise.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Addresses of what every component talks to, and how it logs."""

    model_config = SettingsConfigDict(env_prefix="SECAPI_", extra="ignore", frozen=True, use_attribute_docstrings=True)

    database_url: SecretStr
    """``postgresql://user:password@host:port/database``, with libpq's options such as ``?sslmode=verify-full``."""

    database_pool_size: Annotated[int, Field(ge=1, le=200)] = 5
    """Connections one process keeps at most."""

    database_pool_timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Longest wait for a free connection before the request fails."""

    statement_timeout: Annotated[float, Field(gt=0, le=600)] = 15.0
    """Postgres ends a statement that runs longer."""

    idle_in_transaction_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Postgres ends a session that keeps a transaction open and idle longer: a frozen process must not hold locks."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""

    log_format: Literal["json", "console"] = "json"
    """``json`` is one object a line on standard error; ``console`` is for people."""

    otlp_endpoint: Annotated[str | None, Field(validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")] = None
    """A collector that takes traces by OTLP over HTTP, e.g. ``http://collector:4318``; without one there are none.
    OpenTelemetry's other ``OTEL_…`` variables apply as well."""

    otlp_traces_endpoint: Annotated[str | None, Field(validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")] = None
    """The same for traces alone, with the whole path, e.g. ``http://collector:4318/v1/traces``."""

    sentry_dsn: Annotated[SecretStr | None, Field(validation_alias="SENTRY_DSN")] = None
    """Where defects are reported to by Sentry's protocol; without it nowhere."""

    @property
    def traces(self) -> bool:
        """Whether there is a collector for traces."""
        return bool(self.otlp_traces_endpoint or self.otlp_endpoint)


class LeaseSettings(BaseSettings):
    """How long a worker may be silent, shared by workers (who promise) and the operator (who reaps)."""

    model_config = SettingsConfigDict(env_prefix="SECAPI_", extra="ignore", frozen=True, use_attribute_docstrings=True)

    lease_seconds: Annotated[float, Field(ge=2, le=600)] = 45.0
    """A claim or heartbeat holds the job this long, by the database's clock."""

    heartbeat_seconds: Annotated[float, Field(ge=0.2, le=60)] = 5.0
    """Interval of heartbeats; also the longest time before a worker learns of a cancellation (promise P8)."""


class WebhookSettings(BaseSettings):
    """What webhooks are signed with and where they may go, shared by the API, which takes them, and workers."""

    model_config = SettingsConfigDict(env_prefix="SECAPI_", extra="ignore", frozen=True, use_attribute_docstrings=True)

    webhook_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """The secrets of webhooks are derived from it, the same for API and workers; another one changes them all. Without
    it there are no webhooks."""

    webhook_allow_http: bool = False
    """Take addresses of webhooks that begin with ``http://``, too: what is sent can be read on its way."""

    webhook_allowed_cidrs: Annotated[tuple[IPv4Network | IPv6Network, ...], Field(max_length=256)] = ()
    """Private ranges that webhooks may go to, as a JSON list: receivers in the cluster, for example."""

    denied_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    """The cluster's own ranges (pods, services, nodes), as a JSON list: scanned only where a policy names them, and
    closed to webhooks."""


def secret_values(settings: BaseSettings) -> Iterator[str]:
    """Every secret that ``settings`` hold, and the password alone where one is an address."""
    for _, value in settings:
        if isinstance(value, SecretStr):
            secret = value.get_secret_value()
            yield secret
            password = urlsplit(secret).password
            if password:
                yield password
                yield unquote(password)
