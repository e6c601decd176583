"""Texts that name something in a network: hosts, URLs, images, ports, ranges.

The patterns are grammar only: they keep out what can never be meant. ``secapi_core.targets`` then gives every target
one spelling, and policies decide what may be scanned.
"""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import Field

from secapi_core.crds.constraints import pattern, rule, text

# Letters and digits of any script (and `_`, which real host names have), and the same with '-' and '.'.
_WORD = r"[^\x00-\x2F\x3A-\x40\x5B-\x5E\x60\x7B-\x7F]"
_INNER = r"[^\x00-\x2C\x2F\x3A-\x40\x5B-\x5E\x60\x7B-\x7F]"
_HOST_NAME = rf"{_WORD}(?:{_INNER}*{_WORD})?\.?"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_PORT = r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
# Resolvers read such a host as an IPv4 address (2130706433, 127.1, 0x7f.0.0.1), scanners as a range (192.0.2.1-20).
_NUMERIC_END = r"(?:0[xX][0-9A-Fa-f]*|[0-9-]+)\.?"
_HOST = rf"(?:\[[0-9A-Fa-f:.]+\]|{_HOST_NAME})"
_BEFORE_HOST = r"[a-z]*://(?:[^/?#@]*@)?"
_SOME_HOST = rf"{_BEFORE_HOST}{_HOST}(?::[0-9]{{1,5}})?(?:[/?#].*)?"
_IPV4_HOST = rf"{_BEFORE_HOST}{_IPV4}(?:[:/?#].*)?"
_NUMERIC_HOST = rf"^{_BEFORE_HOST}(?:[^/?#:@\[]*\.)?{_NUMERIC_END}(?:[:/?#]|$)"
_NO_PORT = r"^[^/?#]*//[^/?#]*:(?:0+|6553[6-9]|655[4-9][0-9]|65[6-9][0-9]{2}|6[6-9][0-9]{3}|[7-9][0-9]{4})(?:[/?#]|$)"
_UNSAFE = r"[\x00-\x20\x22<>\\^\x60{|}\x7F]"

HttpUrl = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    text("must not contain spaces, control characters, quotes, backslashes or any of < > ^ { | }", unlike=_UNSAFE),
    text("must begin with http:// or https://", like=r"https?://.*"),
    text("must not contain a user name or password", unlike=r"^[^/?#]*//[^/?#]*@"),
    text(
        "must name a host, e.g. https://shop.example/; an IPv4 address is four decimal numbers, an IPv6 address is in "
        "brackets",
        like=_SOME_HOST,
        unlike=_NUMERIC_HOST,
        unless=_IPV4_HOST,
    ),
    text("must have a port between 1 and 65535, or none", unlike=_NO_PORT),
]

UrlPrefix = Annotated[
    HttpUrl, Field(max_length=1024), text("must not contain ? or #: a prefix ends in the path", unlike=r"[?#]")
]

RepositoryPrefix = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    text(
        "must not contain spaces, control characters, backslashes, quotes or any of ? # < > ^ { | }",
        unlike=r"[\x00-\x20\x22#<>?\\^\x60{|}\x7F]",
    ),
    text(
        "must begin with https://, ssh:// or git://; write git@host:path as ssh://git@host/path",
        like=r"(?:https|ssh|git)://.*",
    ),
    text(
        "must not contain a password or token; a user name is allowed with ssh:// only",
        unlike=r"^[^/?#]*//[^/?#]*:[^/?#]*@|^(?:https|git)://[^/?#]*@",
    ),
    text("must not contain . or .. as a path segment", unlike=r"/(?:\.|%2[eE]){1,2}(?:/|$)"),
    text(
        "must name a host, e.g. https://git.example/shop.git; an IPv4 address is four decimal numbers, an IPv6 address "
        "is in brackets",
        like=_SOME_HOST,
        unlike=_NUMERIC_HOST,
        unless=_IPV4_HOST,
    ),
    text("must have a port between 1 and 65535, or none", unlike=_NO_PORT),
    text(
        "must have a user name of letters, digits, '.', '_' or '-'",
        unlike=r"^[^/?#]*//(?:[^/?#]*[^/?#A-Za-z0-9_.-]|[.-])[^/?#]*@",
    ),
]

RepositoryUrl = Annotated[
    RepositoryPrefix,
    text("must name a repository after the host, e.g. https://git.example/shop.git", like=r"[a-z]+://[^/]*/+[^/].*"),
]

ImageReference = Annotated[
    str,
    Field(min_length=1, max_length=512),
    text(
        "must be an image reference such as registry.example/shop:1.2, without scheme, the path in lower case",
        like=rf"(?:{_HOST}(?::{_PORT})?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
        r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    ),
]


def _is_ip(value: str) -> bool:
    """What CEL's ``isIP`` accepts: no zone, no IPv4-mapped IPv6 address."""
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return not (isinstance(address, IPv6Address) and (address.scope_id or address.ipv4_mapped))


_NAME_CEL, _is_host_name = pattern(like=_HOST_NAME, unlike=rf"\.\.|(?:^|\.){_NUMERIC_END}$")

HostAddress = Annotated[
    str,
    Field(min_length=1, max_length=253),
    rule(
        "must be one host name or IP address without scheme, port, path, wildcard or range, e.g. shop.example or "
        "2001:db8::7",
        f"isIP(self) || ({_NAME_CEL})",
        lambda value: _is_ip(value) or _is_host_name(value),
    ),
]

DomainSuffix = Annotated[
    str,
    Field(min_length=1, max_length=253),
    rule(
        "must be a domain such as shop.example, which covers its subdomains too, without '*', leading dot, scheme or "
        "port",
        _NAME_CEL,
        _is_host_name,
    ),
]


_PORTS_CEL, _have_port_shape = pattern(like=rf"{_PORT}(?:-{_PORT})?(?:,{_PORT}(?:-{_PORT})?)*")


def _are_ports(value: str) -> bool:
    if not _have_port_shape(value):
        return False
    ranges = [[int(end) for end in part.split("-")] for part in value.split(",")]
    return all(ends[0] <= ends[-1] for ends in ranges)


# The longest text for which the apiserver accepts the estimated cost of looking at each range.
_PORTS_LENGTH = 150

Ports = Annotated[
    str,
    Field(min_length=1, max_length=_PORTS_LENGTH),
    rule(
        "must be ports between 1 and 65535, or ranges of them from low to high, separated by commas, e.g. "
        "22,80,8000-8100",
        f"{_PORTS_CEL} && "
        "self.split(',').map(part, part.split('-')).all(ends, int(ends[0]) <= int(ends[ends.size() - 1]))",
        _are_ports,
    ),
]


def _is_cidr(value: str) -> bool:
    """What CEL's ``isCIDR`` accepts, with all host bits zero."""
    address, _, length = value.partition("/")
    if not _is_ip(address) or not re.fullmatch(r"0|[1-9][0-9]{0,2}", length):
        return False
    try:
        ip_network(value)
    except ValueError:
        return False
    return True


Cidr = Annotated[
    str,
    Field(min_length=1, max_length=64),
    rule(
        "must be a CIDR whose host bits are zero, e.g. 10.0.0.0/8, 192.0.2.7/32 or fd00::/8",
        "isCIDR(self) && cidr(self).masked() == cidr(self)",
        _is_cidr,
    ),
]
