"""The API's settings, from environment variables. Durations are seconds, sizes are bytes."""

import re
from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from secapi_core.settings import Settings, WebhookSettings

MEBIBYTE = 1024 * 1024

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Algorithms of JWTs with which whoever can verify cannot sign."""


def is_tamperproof(url: str) -> bool:
    """Whether nobody on the way can change what ``url`` answers: https, or http on this very host."""
    try:
        address = urlsplit(url)
        host = address.hostname or ""
        if address.scheme != "http" or host == "localhost":
            return bool(host) and address.scheme in ("http", "https")
        return ip_address(host).is_loopback
    except ValueError:
        return False


Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")]
"""Scheme, host and port of a page, exactly as a browser sends them; no wildcards."""


class Tuning(BaseSettings):
    """Where one API process listens, and its bounds, from ``SECAPI_API_…``."""

    model_config = SettingsConfigDict(
        env_prefix="SECAPI_API_", extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on; a pod needs ``0.0.0.0``."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """Port to listen on; 0 takes a free one."""

    body_limit: Annotated[int, Field(ge=1024, le=64 * MEBIBYTE)] = MEBIBYTE
    """Largest JSON body; etcd refuses objects above 1.5 MiB anyway."""

    head_limit: Annotated[int, Field(ge=1024, le=MEBIBYTE)] = 32 * 1024
    """Largest head of a request: its line and its headers."""

    head_timeout: Annotated[float, Field(gt=0, le=300)] = 10.0
    """A client that takes longer to send a head is hung up on."""

    artifact_limit: Annotated[int, Field(ge=1024)] = 512 * MEBIBYTE
    """Largest upload."""

    request_timeout: Annotated[float, Field(gt=0, le=300)] = 20.0
    """A request that takes longer is given up with 503."""

    upload_timeout: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    """The same for an upload, whose pace is its client's."""

    shutdown_timeout: Annotated[float, Field(ge=0, le=300)] = 20.0
    """How long requests under way may take to finish once the process is told to stop."""

    kubernetes_timeout: Annotated[float, Field(gt=0, le=60)] = 4.0
    """Longest wait for one answer of the apiserver."""

    kubernetes_deadline: Annotated[float, Field(gt=0, le=120)] = 12.0
    """Longest time for one call, tries and pauses together."""

    kubernetes_connections: Annotated[int, Field(ge=1, le=500)] = 32
    """Connections to the apiserver at most."""

    catalogue_age: Annotated[float, Field(ge=0, le=600)] = 10.0
    """Scanners and ScanPolicies are read again when what is in memory is older."""

    cors_origins: tuple[Origin, ...] = ()
    """Origins of web pages that may call this API from a browser, as a JSON list: with bearer credentials, never with
    a session's cookie."""

    redis_timeout: Annotated[float, Field(gt=0, le=5)] = 0.25
    """Longest wait for one answer of Redis, and for a connection to it; after a failure it is left alone for 1 s."""

    redis_connections: Annotated[int, Field(ge=1, le=500)] = 32
    """Connections to Redis at most."""

    reads_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 60_000
    """Requests that one caller may read with."""

    writes_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 6_000
    """Requests that one caller may change something with."""

    logins_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Passwords that may be tried for one address; from one client ten times as many."""

    refused_credentials_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 60
    """API keys and tokens that prove nobody, from one client, before only those that are known go on from there."""

    event_streams: Annotated[int, Field(ge=1, le=50_000)] = 500
    """Streams of events that one process keeps open at most."""

    event_streams_per_caller: Annotated[int, Field(ge=1, le=50_000)] = 20
    """The same for one caller."""

    event_poll: Annotated[float, Field(gt=0, le=60)] = 1.0
    """The ledger is asked this often about the scans that somebody follows: one statement for all of them."""

    event_heartbeat: Annotated[float, Field(gt=0, le=300)] = 15.0
    """A stream that has nothing to say sends a comment this often."""

    event_stall: Annotated[float, Field(gt=0, le=300)] = 20.0
    """A client that takes nothing of its stream for this long is cut off."""

    event_duration: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    """A stream ends after this long, give or take a tenth; its client goes on with another."""

    event_rights_age: Annotated[float, Field(gt=0, le=60)] = 60.0
    """A stream ends unless its caller's rights were confirmed within this time."""

    trusted_proxies: str = "127.0.0.1"
    """Addresses and networks, separated by commas, of proxies whose ``X-Forwarded-For`` says who the client is; without
    it everybody behind a proxy is one client."""

    session_idle: Annotated[float, Field(ge=60, le=86_400)] = 1_800.0
    """A browser's session ends when nothing was asked for this long."""

    session_lifetime: Annotated[float, Field(ge=60, le=30 * 86_400)] = 43_200.0
    """A browser's session ends after this long in any case."""


class ApiSettings(Settings, WebhookSettings):
    """Addresses of what the API talks to, from ``SECAPI_…``.

    The Kubernetes API is found as every client finds it: ``KUBECONFIG``, else the pod's service account.
    """

    api_key_pepper: Annotated[SecretStr, Field(min_length=16)]
    """Keys the hashes of API keys: a stolen table alone verifies nothing."""

    redis_url: SecretStr
    """``redis://…``: what processes share for a while (rate limits, sessions, caches); not needed to go on."""

    artifact_url: str
    """Where uploads are kept, the same for API and workers: ``file:///…``, ``s3://…``, ``gs://…`` or ``az://…``."""

    database_pool_size: Annotated[int, Field(ge=2, le=200)] = 10
    """Connections to Postgres at most; a fifth of them is for reading single scans."""

    max_jobs_per_scan: Annotated[int, Field(ge=1, le=2_000)] = 2_000
    """Ceiling for every namespace; policies can only lower it."""

    kubernetes_token_audience: Annotated[str, Field(min_length=1, max_length=253)] = "secapi"  # noqa: S105 -- no secret
    """Tokens of Kubernetes are taken if they were made for this audience; those for the apiserver itself are not."""

    oidc_issuer: str | None = None
    """The OpenID Connect provider whose tokens are taken, exactly as in their claim ``iss``; without one none are."""

    oidc_audience: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    """Its tokens are taken if they were made for this audience (``aud``); must be set with the issuer."""

    oidc_algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    """What its tokens may be signed with, as a JSON list of asymmetric algorithms."""

    oidc_name_claim: Annotated[str, Field(min_length=1, max_length=100)] = "name"
    """The claim that a new user is called by."""

    kubeconfig: Annotated[str | None, Field(validation_alias="KUBECONFIG")] = None
    """Path of a kubeconfig; not set in a pod, which has its service account."""

    tuning: Tuning = Field(default_factory=Tuning)

    @field_validator("oidc_issuer")
    @classmethod
    def _trustworthy(cls, issuer: str | None) -> str | None:
        if issuer is not None and not (is_tamperproof(issuer) and re.fullmatch(r"[!-~]+", issuer)):
            raise ValueError("must be an https address, or an http address of this host")
        if issuer is not None and re.search(r"[?#@]", issuer):
            raise ValueError("must have no query, no fragment and no credentials")
        return issuer

    @field_validator("oidc_algorithms")
    @classmethod
    def _asymmetric(cls, algorithms: tuple[str, ...]) -> tuple[str, ...]:
        if not algorithms or not ASYMMETRIC.issuperset(algorithms):
            raise ValueError(f"must name asymmetric algorithms, which are {', '.join(sorted(ASYMMETRIC))}")
        return algorithms

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.oidc_issuer is not None and self.oidc_audience is None:
            raise ValueError("set SECAPI_OIDC_AUDIENCE: tokens that the provider made for others must not count here")
        return self

    @property
    def connections(self) -> tuple[int, int]:
        """Connections to Postgres: for everything else, and for reading single scans."""
        reader = max(1, self.database_pool_size // 5)
        return self.database_pool_size - reader, reader

    @property
    def pepper(self) -> bytes:
        """The pepper as hashes take it."""
        return self.api_key_pepper.get_secret_value().encode()
