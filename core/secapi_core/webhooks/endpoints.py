"""Where a webhook may send to: an address that people write must not lead into the cluster (promise P11).

A name is resolved once, all of its addresses are checked, and whoever connects is given those addresses, not the name:
what a resolver says a moment later does not matter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from secapi_core.errors import Rejected
from secapi_core.networks import Address
from secapi_core.settings import WebhookSettings
from secapi_core.targets import Scope, bracketed, canonical_url, denied_range
from secapi_core.webhooks.events import DeliveryFailure

RESOLVE_SECONDS = 5.0

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Gives the addresses of a name, best first; raises OSError or UnicodeError if there are none."""


class EndpointRefused(Exception):
    """Nothing is sent there; the text is one sentence for whoever wrote the address."""

    def __init__(self, reason: DeliveryFailure, message: str) -> None:
        """Keep the reason beside the sentence."""
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An http(s) URL in its one spelling."""

    url: str
    host: str


def parse_endpoint(url: str, settings: WebhookSettings) -> Endpoint:
    """``url`` in its one spelling, without fragment; raises EndpointRefused."""
    try:
        scheme, host, port, rest = canonical_url(url)
    except Rejected as error:
        raise EndpointRefused(DeliveryFailure.ADDRESS_FORBIDDEN, error.failure.message) from error
    if scheme != "https" and not settings.webhook_allow_http:
        raise EndpointRefused(DeliveryFailure.ADDRESS_FORBIDDEN, "the URL must begin with https://")
    explicit = "" if port == {"http": 80, "https": 443}[scheme] else f":{port}"
    return Endpoint(f"{scheme}://{bracketed(host)}{explicit}{rest}", host)


async def allowed_addresses(host: str, settings: WebhookSettings, resolve: Resolve) -> list[str]:
    """Where to connect to for ``host``, IPv6 without brackets, best first; raises EndpointRefused.

    All of its addresses must be allowed: a name with a forbidden one is an attempt to reach that.
    """
    try:
        addresses: Sequence[Address] = [ip_address(host)]
    except ValueError:
        addresses = await _resolved(host, resolve)
    scope = Scope(allowed_cidrs=settings.webhook_allowed_cidrs, denied_cidrs=settings.denied_cidrs)
    for address in addresses:
        if (denied := denied_range(address, scope)) is not None:
            message = f"{host} leads to {address}, which is in the {denied}: webhooks go to public addresses"
            raise EndpointRefused(DeliveryFailure.ADDRESS_FORBIDDEN, message)
    return [str(address) for address in addresses]


async def _resolved(host: str, resolve: Resolve) -> Sequence[Address]:
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            addresses = await resolve(host)
    except TimeoutError:
        message = f"{host} was not resolved within {RESOLVE_SECONDS:.0f} seconds"
        raise EndpointRefused(DeliveryFailure.UNRESOLVABLE, message) from None
    except (OSError, UnicodeError) as error:
        raise EndpointRefused(DeliveryFailure.UNRESOLVABLE, f"{host} cannot be resolved: {error}") from error
    if not addresses:
        raise EndpointRefused(DeliveryFailure.UNRESOLVABLE, f"{host} has no address")
    return addresses
