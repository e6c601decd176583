"""One signed request to a receiver that somebody named, and its answer (promise P11).

The name is resolved once, by us; the connection goes to an address that was checked, while TLS and ``Host`` keep the
name. No redirect is followed, no proxy of the environment is asked, and neither time nor answer are without bounds.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version

import httpcore

from secapi_core.bounded_json import storable_bytes
from secapi_core.ledger.types import RESPONSE_LIMIT, ClaimedDelivery, DeliveryAnswer
from secapi_core.settings import WebhookSettings
from secapi_core.webhooks.endpoints import EndpointRefused, Resolve, allowed_addresses, parse_endpoint
from secapi_core.webhooks.events import DeliveryFailure
from secapi_core.webhooks.signing import signed_headers

CONNECT_SECONDS = 5.0
"""For each of a name's addresses."""

BODY_SECONDS = 2.0
"""How long the beginning of an answer's body is waited for; its status alone says how it went."""


@cache
def _headers() -> dict[str, str]:
    """What every request says beside its signature."""
    return {"Content-Type": "application/json", "User-Agent": f"SecAPI/{version('secapi')}"}


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to a name only where all of its addresses are allowed."""

    def __init__(self, settings: WebhookSettings, resolve: Resolve) -> None:
        """Nothing is opened yet."""
        self._settings = settings
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the base class has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first address that answers; raises EndpointRefused, or the last address's error."""
        *addresses, last = await allowed_addresses(host, self._settings, self._resolve)
        for address in addresses:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(address, port, CONNECT_SECONDS)
        return await self._network.connect_tcp(last, port, CONNECT_SECONDS)


class Sender:
    """Signs and sends; ``key`` is what secrets are derived from."""

    def __init__(self, settings: WebhookSettings, key: bytes, *, timeout: float, resolve: Resolve) -> None:
        """``timeout`` bounds everything from resolving the name to the answer's status."""
        self._settings = settings
        self._key = key
        self._timeout = timeout
        self._network = CheckedNetwork(settings, resolve)
        self._tls = ssl.create_default_context()

    async def send(self, delivery: ClaimedDelivery) -> DeliveryAnswer:
        """Ask the receiver to take the event; whatever goes wrong on the way is an answer, too."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(delivery)
        except EndpointRefused as error:
            return DeliveryAnswer(error.reason, str(error))
        except (TimeoutError, httpcore.TimeoutException):
            return DeliveryAnswer(DeliveryFailure.TIMED_OUT, f"no answer within {self._timeout:.0f} seconds")
        except httpcore.NetworkError as error:
            tls = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
            return DeliveryAnswer(DeliveryFailure.TLS_FAILED if tls else DeliveryFailure.UNREACHABLE, str(error))
        except httpcore.ProtocolError as error:
            return DeliveryAnswer(DeliveryFailure.ANSWER_INVALID, str(error))

    async def _exchange(self, delivery: ClaimedDelivery) -> DeliveryAnswer:
        endpoint = parse_endpoint(delivery.url, self._settings)
        body = storable_bytes(delivery.payload)
        headers = _headers() | signed_headers(
            self._key,
            delivery.webhook_id,
            delivery.signing_versions,
            event_id=delivery.event_id,
            timestamp=int(time.time()),
            body=body,
        )
        async with (
            httpcore.AsyncConnectionPool(self._tls, network_backend=self._network) as connections,
            connections.stream("POST", endpoint.url, headers=list(headers.items()), content=body) as response,
        ):
            return DeliveryAnswer(
                _judged(response.status), await _beginning(response), response.status, _retry_after(response)
            )


def _judged(status: int) -> DeliveryFailure | None:
    if 200 <= status < 300:
        return None
    return DeliveryFailure.GONE if status == 410 else DeliveryFailure.REFUSED


async def _beginning(response: httpcore.Response) -> str:
    """As much of the body as is kept; what comes too late, or not at all, is no matter."""
    data = bytearray()
    with contextlib.suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in response.aiter_stream():
                data += chunk[: RESPONSE_LIMIT - len(data)]
                if len(data) == RESPONSE_LIMIT:
                    break
    return data.decode("utf-8", "replace")


def _retry_after(response: httpcore.Response) -> timedelta | None:
    """What ``Retry-After`` asks for, in seconds or as a date; ``None`` if nothing that can be read."""
    text = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"").decode("latin-1")
    if text.isdecimal() and len(text) < 10:
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment - datetime.now(UTC) if moment.tzinfo else None
