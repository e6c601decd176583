"""What one process opens once and every request shares."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from secapi_api.auth.jwks import SigningKeys
from secapi_api.auth.known import KnownCallers
from secapi_api.auth.kubernetes import KubernetesTokens
from secapi_api.auth.oidc import OidcTokens
from secapi_api.auth.service import Authenticator
from secapi_api.auth.unproven import UnprovenCredentials
from secapi_api.cache import Cache
from secapi_api.health.readiness import Readiness
from secapi_api.hints import KEYS_ENDED, SCANS_CHANGED, Hints
from secapi_api.kube.catalogue import Catalogues
from secapi_api.kube.client import KubernetesClient
from secapi_api.kube.custom_resources import CustomResources
from secapi_api.kube.scan_requests import ScanRequests
from secapi_api.ledger import Ledger
from secapi_api.rate_limits import RateLimits, RequestKind
from secapi_api.redis import SharedMemory
from secapi_api.scan_events.feed import ScanFeed
from secapi_api.scan_events.places import Places
from secapi_api.scans.reading import ScanReads
from secapi_api.sessions.store import SessionStore
from secapi_api.settings import ApiSettings, Tuning
from secapi_api.tasks import cancelled
from secapi_core import metrics, tracing
from secapi_core.crds.scanner import Scanner
from secapi_core.crds.scanpolicy import ScanPolicy
from secapi_core.crds.scanschedule import ScanSchedule
from secapi_core.ledger.pool_gauge import watch_pool
from secapi_core.ledger.queries.summaries import SummaryReader
from secapi_core.ledger.restricted import RestrictedDatabase
from secapi_core.objects import ArtifactStore
from secapi_core.scan_summaries import ScanSummaries
from secapi_core.webhooks.resolver import Resolver

_APPLICATION = "secapi-api"
_RESOLVERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Opened by :func:`opened`, reached through ``dependencies``."""

    settings: ApiSettings
    ledger: Ledger
    authenticator: Authenticator
    sessions: SessionStore
    rate_limits: RateLimits
    cache: Cache
    scan_reads: ScanReads
    kubernetes: KubernetesClient
    catalogues: Catalogues
    scan_requests: ScanRequests
    schedules: CustomResources
    policies: CustomResources
    scanners: CustomResources
    artifacts: ArtifactStore
    resolver: Resolver
    """For addresses that people write; nothing else must wait for them."""

    scan_feed: ScanFeed
    stream_places: Places
    readiness: Readiness


@asynccontextmanager
async def opened(settings: ApiSettings) -> AsyncIterator[Resources]:
    """Open everything; nothing is contacted yet, so the process starts while its backends are down."""
    async with AsyncExitStack() as stack:
        stack.callback(tracing.start(settings, "api"))
        memory = SharedMemory(settings)
        stack.push_async_callback(memory.close)
        summaries = ScanSummaries(memory)
        others, reader = settings.connections
        database = RestrictedDatabase(
            settings.model_copy(update={"database_pool_size": others}), application=_APPLICATION, changed=summaries.put
        )
        stack.push_async_callback(database.close)
        watch_pool(database.engine)
        metrics.announce("api")
        ledger = Ledger(database)
        scan_reads = ScanReads(
            summaries,
            await stack.enter_async_context(SummaryReader(settings, application=_APPLICATION, connections=reader)),
        )
        cache = Cache(memory)
        stack.push_async_callback(cache.close)
        sessions = SessionStore(memory, idle=settings.tuning.session_idle, lifetime=settings.tuning.session_lifetime)
        kubernetes = await KubernetesClient.connect(settings)
        stack.push_async_callback(kubernetes.close)
        catalogues = Catalogues(kubernetes, age=settings.tuning.catalogue_age)
        stack.push_async_callback(catalogues.close)
        oidc = _oidc(settings)
        if oidc is not None:
            stack.push_async_callback(oidc.keys.close)
        hints = Hints(memory)
        known = KnownCallers(hints)
        rate_limits = RateLimits(memory, _limits(settings.tuning))
        unproven = UnprovenCredentials(rate_limits)
        stack.push_async_callback(unproven.close)
        scan_feed = ScanFeed(ledger, hints, summaries, poll=settings.tuning.event_poll)
        scan_feed.start()
        stack.push_async_callback(scan_feed.close)
        listening = asyncio.create_task(hints.listen({SCANS_CHANGED: scan_feed.look, KEYS_ENDED: known.forget}))
        stack.push_async_callback(cancelled, [listening])
        resolver = Resolver(threads=_RESOLVERS)
        stack.callback(resolver.close)
        readiness = Readiness(ledger, kubernetes)
        stack.push_async_callback(readiness.close)
        yield Resources(
            settings=settings,
            ledger=ledger,
            authenticator=Authenticator(
                ledger,
                settings.pepper,
                KubernetesTokens(kubernetes, settings.kubernetes_token_audience),
                oidc,
                sessions,
                known,
                unproven,
            ),
            sessions=sessions,
            cache=cache,
            scan_reads=scan_reads,
            rate_limits=rate_limits,
            kubernetes=kubernetes,
            catalogues=catalogues,
            scan_requests=ScanRequests(kubernetes),
            schedules=CustomResources(kubernetes, ScanSchedule, "schedule"),
            policies=CustomResources(kubernetes, ScanPolicy, "policy", changed=catalogues.outdate),
            scanners=CustomResources(kubernetes, Scanner, "scanner", changed=catalogues.outdate),
            artifacts=await asyncio.to_thread(ArtifactStore, settings.artifact_url),
            resolver=resolver,
            scan_feed=scan_feed,
            stream_places=Places(settings.tuning.event_streams, settings.tuning.event_streams_per_caller),
            readiness=readiness,
        )


def _oidc(settings: ApiSettings) -> OidcTokens | None:
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    return OidcTokens(
        keys=SigningKeys(settings.oidc_issuer, settings.oidc_algorithms),
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        algorithms=settings.oidc_algorithms,
        name_claim=settings.oidc_name_claim,
    )


def _limits(tuning: Tuning) -> dict[RequestKind, int]:
    return {
        RequestKind.READS: tuning.reads_per_minute,
        RequestKind.WRITES: tuning.writes_per_minute,
        RequestKind.LOGINS: tuning.logins_per_minute,
        RequestKind.CLIENT_LOGINS: 10 * tuning.logins_per_minute,
        RequestKind.REFUSED_CREDENTIALS: tuning.refused_credentials_per_minute,
    }
