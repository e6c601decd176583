"""A target's name resolved once, every answer checked, and one address pinned for whoever connects (promise P11)."""

import asyncio
import socket

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.targets import CanonicalTarget, Scope, check_address

RESOLVE_SECONDS = 10.0


async def pinned_address(target: CanonicalTarget, scope: Scope) -> str:
    """The address to connect to, IPv6 without brackets.

    All addresses of the name must be allowed, not just the one that is used: a name with a forbidden address is an
    attempt to reach it. Raises SecapiError: TargetUnresolvable or TargetForbidden.
    """
    addresses = [str(target.address)] if target.address is not None else await _resolve(target.host)
    for address in addresses:
        check_address(address, scope)
    return addresses[0]


async def _resolve(host: str) -> list[str]:
    """The addresses of ``host`` that this machine could connect to, best first (RFC 6724)."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            answers = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except TimeoutError:
        raise JobFailed(
            FailureReason.TARGET_UNRESOLVABLE, f"{host} was not resolved within {RESOLVE_SECONDS:.0f} seconds"
        ) from None
    except (socket.gaierror, UnicodeError) as error:
        raise JobFailed(FailureReason.TARGET_UNRESOLVABLE, f"{host} cannot be resolved: {error}") from error
    addresses = [str(address[0]) for *_, address in answers]
    if not addresses:
        raise JobFailed(FailureReason.TARGET_UNRESOLVABLE, f"{host} has no address")
    return addresses
