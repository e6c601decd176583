"""The OpenID provider's public keys: found by discovery, kept, and read again when an unknown one is named.

Whoever sends a token chooses what it says, so nothing that tokens say makes a process ask the provider more often than
every 30 seconds.
"""

import math
import time
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog
from jwt import PyJWK, PyJWTError

from secapi_api.errors import Unavailable
from secapi_api.settings import is_tamperproof
from secapi_api.tasks import SingleFlight

log = structlog.get_logger(__name__)

ANSWER_LIMIT = 256 * 1024
_KEYS_LIMIT = 100
_TIMEOUT = 3.0
_KEPT_SECONDS = 3_600.0
_PAUSE = 30.0
_PAUSE_WITHOUT_KEYS = 2.0


class IdentityProviderUnavailable(Unavailable):
    """The OpenID provider does not show its keys, and the one that is asked for is not among those in memory."""

    slug = "identity-provider-unavailable"


class SigningKeys:
    """The keys of one provider, each good for one algorithm. They are used longer than an hour while it is away."""

    def __init__(
        self, issuer: str, algorithms: Collection[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read nothing yet; ``algorithms`` are those that count."""
        self._issuer = issuer
        self._algorithms = algorithms
        self._clock = clock
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            # HTTPS_PROXY, where the provider is on the other side of one.
            trust_env=urlsplit(issuer).scheme == "https",
        )
        self._keys: dict[tuple[str, str], PyJWK] = {}
        self._old_at = self._next_read_at = -math.inf
        self._failed = False
        self._reading: SingleFlight[None, None] = SingleFlight()

    async def close(self) -> None:
        """Give up a read that is under way, and close all connections."""
        await self._reading.close()
        await self._http.close()

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key of that name for ``algorithm``, if the provider publishes it. Raises IdentityProviderUnavailable."""
        wanted = (kid, algorithm)
        now = self._clock()
        if now >= self._next_read_at and (wanted not in self._keys or now >= self._old_at):
            await self._reading(None, self._read)
        key = self._keys.get(wanted)
        if key is None and self._failed:
            raise IdentityProviderUnavailable(
                "the OpenID provider does not show its keys at the moment; try again",
                retry_after=self._next_read_at - self._clock(),
            )
        return key

    async def _read(self) -> None:
        try:
            self._keys = await self._published()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._failed = True
            log.warning("signing keys could not be read", error=repr(error))
        else:
            self._failed = False
            self._old_at = self._clock() + _KEPT_SECONDS
        hasty = self._failed and not self._keys
        self._next_read_at = self._clock() + (_PAUSE_WITHOUT_KEYS if hasty else _PAUSE)

    async def _published(self) -> dict[tuple[str, str], PyJWK]:
        """What the provider shows now; raises ValueError for what is not as OpenID Connect Discovery has it."""
        metadata = await self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self._issuer:
            raise ValueError("the issuer in the provider's metadata is not SECAPI_OIDC_ISSUER, to the letter")
        address = metadata.get("jwks_uri")
        schemes = {"https", urlsplit(self._issuer).scheme}
        if not isinstance(address, str) or not is_tamperproof(address) or urlsplit(address).scheme not in schemes:
            raise ValueError("the jwks_uri in the provider's metadata is not an https address")
        published = (await self._get(address)).get("keys")
        if not isinstance(published, list):
            raise ValueError("the provider's key set has no keys")
        return {
            (key["kid"], algorithm): usable
            for key in published[:_KEYS_LIMIT]
            for algorithm in self._algorithms
            if (usable := _usable(key, algorithm)) is not None
        }

    async def _get(self, url: str) -> dict[str, Any]:
        async with self._http.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"{url} answered {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > ANSWER_LIMIT:
                    raise ValueError(f"{url} answered more than {ANSWER_LIMIT} bytes")
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise ValueError(f"{url} answered no JSON object")
        return document


def _usable(key: object, algorithm: str) -> PyJWK | None:
    """A JWK as a key for ``algorithm``; ``None`` if it is made for something else, or is no public key at all."""
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
        return None
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm or "d" in key:
        return None
    try:
        return PyJWK(key, algorithm)
    except (PyJWTError, AttributeError, KeyError, TypeError, ValueError):
        return None
