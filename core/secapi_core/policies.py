"""What the ScanPolicies of a namespace mean together. Pure: the caller brings the policies.

A target needs one policy that allows it, a scanner likewise, and of every number the smallest holds. A policy that
says nothing about something does not restrict it; a namespace without policies may scan everything but the
always-denied ranges (``secapi_core.targets.check_address``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeVar

from secapi_core.crds.scanpolicy import AllowedTargets, ScanPolicySpec
from secapi_core.crds.scanrequest import TargetType
from secapi_core.errors import Rejected, SecapiError
from secapi_core.failures import FailureReason
from secapi_core.messages import Priority
from secapi_core.networks import Network, contains
from secapi_core.targets import (
    CanonicalTarget,
    Scope,
    canonical_host,
    canonical_repository_url,
    canonical_url,
    check_address,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRules:
    """``AllowedTargets`` of one policy in canonical form, made once for many targets."""

    networks: tuple[Network, ...]
    suffixes: tuple[str, ...]
    url_prefixes: tuple[tuple[str, str, int, str], ...]
    repository_prefixes: tuple[str, ...]

    @classmethod
    def of(cls, allowed: AllowedTargets) -> "TargetRules":
        """Spell every entry as targets are spelled."""
        return cls(
            networks=tuple(ip_network(cidr) for cidr in allowed.cidrs),
            suffixes=_spelled(canonical_host, allowed.domain_suffixes),
            url_prefixes=_spelled(canonical_url, allowed.url_prefixes),
            repository_prefixes=_spelled(_repository_prefix, allowed.repository_prefixes),
        )

    def allow(self, target: CanonicalTarget) -> bool:
        """Whether this policy lets the namespace scan ``target``; an uploaded artifact touches nobody's system."""
        if target.type is TargetType.ARTIFACT:
            return True
        if target.type is TargetType.REPOSITORY:
            return any(is_below(target.url, prefix) for prefix in self.repository_prefixes)
        if any(is_subdomain(target.host, suffix) for suffix in self.suffixes):
            return True
        # A name that resolves into an allowed range is not allowed by it: whoever owns the name chooses the address.
        address = target.address
        if address is not None and any(contains(network, address) for network in self.networks):
            return True
        return target.type is TargetType.URL and any(url_is_below(target.url, prefix) for prefix in self.url_prefixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What all policies of a namespace allow together; every check raises ``Rejected`` with the pointer given to it."""

    scope: Scope
    rules: tuple[TargetRules, ...]
    scanners: frozenset[str] | None
    max_priority: Priority
    max_jobs: int | None

    @classmethod
    def of(cls, policies: Sequence[ScanPolicySpec], denied_cidrs: Iterable[Network] = ()) -> "Permissions":
        """Combine ``policies``; ``denied_cidrs`` are the cluster's own ranges."""
        restricting = [policy.allowed_targets for policy in policies if policy.allowed_targets is not None]
        rules = tuple(TargetRules.of(allowed) for allowed in restricting)
        named = [policy.scanners for policy in policies if policy.scanners is not None]
        urgent_first = list(Priority)
        return cls(
            scope=Scope(
                allowed_cidrs=tuple(dict.fromkeys(network for rule in rules for network in rule.networks)),
                denied_cidrs=tuple(denied_cidrs),
            ),
            rules=rules,
            scanners=frozenset().union(*named) if named else None,
            max_priority=max(
                (policy.max_priority for policy in policies if policy.max_priority is not None),
                key=urgent_first.index,
                default=urgent_first[0],
            ),
            max_jobs=smallest(policy.max_jobs_per_scan for policy in policies),
        )

    def check_target(self, target: CanonicalTarget, pointer: str) -> None:
        """Refuse a target no policy allows, and one whose host is an address in a denied range."""
        if self.rules and not any(rules.allow(target) for rules in self.rules):
            raise Rejected(
                FailureReason.TARGET_FORBIDDEN,
                pointer,
                f"no ScanPolicy of this namespace allows {target.key}; "
                f"ask for it to be added to allowedTargets of one of them",
            )
        if target.address is not None:
            try:
                check_address(target.address, self.scope)
            except SecapiError as error:
                raise Rejected(error.failure.reason, pointer, error.failure.message) from error

    def check_scanner(self, name: str, pointer: str) -> None:
        """Refuse a scanner that no policy with a list of scanners names."""
        if self.scanners is not None and name not in self.scanners:
            allowed = ", ".join(sorted(self.scanners)) or "none"
            raise Rejected(
                FailureReason.SCANNER_FORBIDDEN,
                pointer,
                f"the ScanPolicies of this namespace do not allow scanner {name!r}; allowed: {allowed}",
            )

    def check_priority(self, priority: Priority, pointer: str) -> None:
        """Refuse a priority more urgent than the least urgent ceiling."""
        urgent_first = list(Priority)
        if urgent_first.index(priority) < urgent_first.index(self.max_priority):
            raise Rejected(
                FailureReason.PRIORITY_FORBIDDEN,
                pointer,
                f"priority '{priority}' is above the ceiling '{self.max_priority}' of a ScanPolicy of this namespace; "
                f"set priority to '{self.max_priority}' or lower",
            )


def smallest(numbers: Iterable[int | None]) -> int | None:
    """The smallest of the numbers that are set."""
    return min((number for number in numbers if number is not None), default=None)


def is_subdomain(host: str, suffix: str) -> bool:
    """Whether ``host`` is ``suffix`` or ends in it at a dot: not ``evilshop.example`` for ``shop.example``."""
    return host == suffix or host.endswith(f".{suffix}")


def is_below(text: str, prefix: str) -> bool:
    """Whether ``text`` is ``prefix`` or continues it at a ``/``: not ``/application`` for ``/app``."""
    return text == prefix or text.startswith(prefix.rstrip("/") + "/")


def url_is_below(url: str, prefix: tuple[str, str, int, str]) -> bool:
    """Whether scheme, host and port are the prefix's and the path is at or below its path."""
    *origin, rest = canonical_url(url)
    *allowed_origin, allowed_path = prefix
    return origin == allowed_origin and is_below(rest.partition("?")[0], allowed_path)


def _repository_prefix(text: str) -> str:
    """A repository URL's beginning in canonical spelling; unlike a repository, it may end after the host."""
    placeholder = "any"
    return canonical_repository_url(f"{text.rstrip('/')}/{placeholder}")[0].removesuffix(f"/{placeholder}")


def _spelled(spell: Callable[[str], T], entries: Iterable[str]) -> tuple[T, ...]:
    """The entries in canonical form. One that has none matches no target, so leaving it out allows nothing more."""
    spelled = []
    for entry in entries:
        try:
            spelled.append(spell(entry))
        except Rejected:
            continue
    return tuple(spelled)
