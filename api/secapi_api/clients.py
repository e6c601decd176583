"""Where requests come from, for what is counted before anybody knows who calls."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

UNKNOWN = "unknown"

_SUBSCRIBER_BITS = 64
"""Whoever has IPv6 has at least so much of it, and another address for each request if they like."""


def client_address(request: Request) -> str:
    """The address that the request comes from: of the connection, or what a trusted proxy says it is."""
    return request.client.host if request.client else UNKNOWN


def network(address: str) -> str:
    """What is one client as far as anybody can tell: an IPv4 address, or a /64 of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    # A socket for both versions shows IPv4 as IPv6.
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), _SUBSCRIBER_BITS), strict=False))
