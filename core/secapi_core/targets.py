"""One spelling for every target, and the addresses a scan may touch. Pure: nothing here resolves a name.

People write the same target in many ways, and resolvers accept more than people know (``127.1``, ``0x7f000001``,
full-width digits). ``canonical`` gives each target one spelling; only that spelling is checked, stored and handed to a
scanner. Hosts and URLs follow the WHATWG URL standard (the ``url`` crate inside pydantic-core), as browsers do.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import Url

from secapi_core.crds.base import Model
from secapi_core.crds.scanrequest import ImageTarget, RepositoryTarget, Target, TargetType
from secapi_core.errors import Rejected, SecapiError
from secapi_core.failures import FailureReason
from secapi_core.networks import SPECIAL_NETWORKS, Address, contains, destination, is_inside, unmapped

REPOSITORY_PORTS = {"https": 443, "ssh": 22, "git": 9418}

_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_REPOSITORY = re.compile(
    r"(?P<scheme>https|ssh|git)://((?P<user>[a-z0-9_][a-z0-9_.-]*)@)?(?P<host>\[[^\]]+\]|[^/?#@:\[\]\\%]+)"
    r"(:(?P<port>[0-9]{1,5}))?(?P<path>/[^?#\\\s]+)",
    re.ASCII | re.IGNORECASE,
)
_IMAGE = re.compile(
    r"((?P<registry>[A-Za-z0-9.-]*[.:][A-Za-z0-9.:-]*|localhost(:[0-9]+)?|\[[0-9a-f:.]+\](:[0-9]+)?)/)?"
    r"(?P<path>[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)"
    r"(?P<version>(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?)",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalTarget:
    """A target in its one spelling.

    ``key`` is the identity under which findings are kept and duplicates recognized, e.g.
    ``url:https://shop.example:443/``. ``target`` is what a scanner gets: the request's target with every part
    respelled. ``host`` is an ASCII name or an address without brackets, empty for an artifact. ``url`` is set for
    URLs and repositories.
    """

    target: Target
    key: str
    host: str = ""
    port: int | None = None
    url: str = ""

    @property
    def type(self) -> TargetType:
        """Which kind of target this is."""
        return self.target.type

    @property
    def address(self) -> Address | None:
        """The address where the host is one, without asking a resolver; ``localhost`` is loopback by RFC 6761."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return IPv4Address("127.0.0.1")
        try:
            return ip_address(self.host)
        except ValueError:
            return None


def canonical(target: Target) -> CanonicalTarget:
    """``target`` in its one spelling; raises ``Rejected`` with a pointer relative to the target."""
    if target.url is not None:
        return _canonical_url_target(target.url)
    if target.host is not None:
        host = canonical_host(target.host.address, "/host/address")
        respelled = _respelled("/host/address", {"host": {"address": host, "ports": target.host.ports}})
        return CanonicalTarget(target=respelled, key=f"host:{host}", host=host)
    if target.repository is not None:
        return _canonical_repository(target.repository)
    if target.image is not None:
        return _canonical_image(target.image)
    if target.artifact is not None:
        identity = target.artifact.name or target.artifact.digest
        return CanonicalTarget(target=target, key=f"artifact:{identity}")
    raise _invalid("", "the target names nothing")


def canonical_host(text: str, pointer: str = "") -> str:
    """A host name as lower-case ASCII without final dot, or an address in its shortest form without brackets."""
    bare = f"[{text}]" if ":" in text and not text.startswith("[") else text
    if re.search(r"[\x00-\x20/?#@\\%\x7f]", bare):
        raise _invalid(pointer, f"{text!r} is not a host name or an IP address")
    try:
        host = (Url(f"http://{bare}/").host or "").removesuffix(".")
    except ValidationError as error:
        raise _invalid(pointer, f"{text!r} is not a host name or an IP address") from error
    if host.startswith("["):
        return str(unmapped(IPv6Address(host[1:-1])))
    if not _NAME.fullmatch(host):
        raise _invalid(pointer, f"{text!r} is not a host name or an IP address")
    return host


def canonical_url(text: str, pointer: str = "") -> tuple[str, str, int, str]:
    """Scheme, host, port and the rest (path and query) of an http(s) URL; the fragment is dropped."""
    try:
        url = Url(text)
    except ValidationError as error:
        raise _invalid(pointer, f"{text!r} is not an http or https URL with a host") from error
    if url.scheme not in ("http", "https") or not url.host or not url.port:
        raise _invalid(pointer, f"{text!r} is not an http or https URL with a host")
    if url.username or url.password:
        raise _invalid(pointer, "the URL must not carry a user name or password")
    rest = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return url.scheme, canonical_host(url.host, pointer), url.port, _canonical_percent(rest)


def bracketed(host: str) -> str:
    """``host`` as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _canonical_url_target(text: str) -> CanonicalTarget:
    scheme, host, port, rest = canonical_url(text, "/url")
    explicit = "" if port == {"http": 80, "https": 443}[scheme] else f":{port}"
    url = f"{scheme}://{bracketed(host)}{explicit}{rest}"
    key = f"url:{scheme}://{bracketed(host)}:{port}{rest}"
    return CanonicalTarget(target=_respelled("/url", {"url": url}), key=key, host=host, port=port, url=url)


def canonical_repository_url(text: str, pointer: str = "") -> tuple[str, str, int]:
    """A repository's URL in its one spelling (default port left out, no final slash), its host and port."""
    parts = _REPOSITORY.fullmatch(text)
    path = re.sub(r"/+", "/", _canonical_percent(parts["path"])).rstrip("/") if parts else ""
    if parts is None or not path or re.search(r"/\.{1,2}(/|$)", path):
        raise _invalid(pointer, f"{text!r} is not an https, ssh or git URL with a host and a path")
    scheme = parts["scheme"].lower()
    if parts["user"] and scheme != "ssh":
        raise _invalid(pointer, "only an ssh URL may carry a user name")
    host, port = canonical_host(parts["host"], pointer), int(parts["port"] or REPOSITORY_PORTS[scheme])
    if not 0 < port <= 65_535:
        raise _invalid(pointer, f"port {port} is not between 1 and 65535")
    user = f"{parts['user']}@" if parts["user"] else ""
    explicit = "" if port == REPOSITORY_PORTS[scheme] else f":{port}"
    return f"{scheme}://{user}{bracketed(host)}{explicit}{path}", host, port


def _canonical_repository(repository: RepositoryTarget) -> CanonicalTarget:
    url, host, port = canonical_repository_url(repository.url, "/repository/url")
    ref, path = repository.ref, re.sub(r"/+", "/", repository.path or "").strip("/") or None
    # A commit names one moment of a history; findings must carry over from one commit to the next.
    branch = "" if ref is None or _COMMIT.fullmatch(ref) else ref
    key = f"repository:{url}" + (f"#{branch}" if branch else "") + (f"//{path}" if path else "")
    respelled = _respelled("/repository/url", {"repository": {"url": url, "ref": ref, "path": path}})
    return CanonicalTarget(target=respelled, key=key, host=host, port=port, url=url)


def _canonical_image(image: ImageTarget) -> CanonicalTarget:
    """Short names are spelled out as Docker does, ``docker.io/library/nginx``; the key leaves the version out."""
    parts = _IMAGE.fullmatch(image.reference)
    if parts is None:
        raise _invalid("/image/reference", f"{image.reference!r} is not a container image reference")
    path = parts["path"] if parts["registry"] or "/" in parts["path"] else f"library/{parts['path']}"
    _, host, port, _ = canonical_url(f"https://{parts['registry'] or 'docker.io'}/", "/image/reference")
    registry = bracketed(host) + ("" if port == 443 else f":{port}")
    respelled = _respelled("/image/reference", {"image": {"reference": f"{registry}/{path}{parts['version']}"}})
    return CanonicalTarget(target=respelled, key=f"image:{registry}/{path}", host=host, port=port)


def _respelled(pointer: str, wire: dict[str, Any]) -> Target:
    """The target in its new spelling, which is longer at times: one ``é`` becomes ``%C3%A9``."""
    try:
        return Target.model_validate(wire)
    except ValidationError as error:
        raise _invalid(pointer, f"in canonical spelling the target is not valid: {error.errors()[0]['msg']}") from error


def _canonical_percent(text: str) -> str:
    """RFC 3986 §6.2.2: unreserved characters decoded, other escapes in upper case, a stray ``%`` escaped."""

    def respell(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%25"
        character = chr(int(match[1], 16))
        return character if _UNRESERVED.fullmatch(character) else match[0].upper()

    return _PERCENT.sub(respell, text)


def _invalid(pointer: str, message: str) -> Rejected:
    return Rejected(FailureReason.INVALID_SPEC, pointer, message)


class Scope(Model):
    """Which addresses a scan may touch, fixed when it is planned and stored with it.

    The worker resolves names long after planning, so it needs the answer that held then, not the policies of now.
    """

    allowed_cidrs: Annotated[tuple[IPv4Network | IPv6Network, ...], Field(max_length=10_000)] = ()
    """Ranges that the namespace's policies name."""

    denied_cidrs: Annotated[tuple[IPv4Network | IPv6Network, ...], Field(max_length=256)] = ()
    """The cluster's own ranges (pods, services, nodes), denied as the special-purpose ranges are."""


def check_address(address: Address | str, scope: Scope) -> None:
    """Raise ``SecapiError(TargetForbidden)`` if ``address`` is in a range that is denied, see ``denied_range``."""
    written = ip_address(address) if isinstance(address, str) else address
    if (denied := denied_range(written, scope)) is not None:
        raise SecapiError(
            FailureReason.TARGET_FORBIDDEN,
            f"{written} is in the {denied}, which is denied; "
            f"a ScanPolicy can allow it by naming it, or a part of it, in allowedTargets.cidrs",
        )


def denied_range(address: Address, scope: Scope) -> str | None:
    """The denied range that ``address`` is in, in words, unless ``scope`` allows it by name.

    By name means: an allowed range that contains the address and lies inside the denied one. So ``0.0.0.0/0`` opens
    no private network, and ``169.254.0.0/16`` does not open the metadata service, which has a range of its own.
    """
    reached = destination(address)
    denied = (*SPECIAL_NETWORKS, *((network, "cluster") for network in scope.denied_cidrs))
    for network, kind in denied:
        if not contains(network, reached):
            continue
        named = (allowed for allowed in scope.allowed_cidrs if is_inside(allowed, network))
        if not any(contains(allowed, reached) for allowed in named):
            return f"{kind} range {network}"
    return None
