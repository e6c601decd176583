"""Which addresses a scan may touch: special ranges are denied in every form, and allowed only by name."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.errors import SecapiError
from secapi_core.failures import FailureReason
from secapi_core.networks import destination
from secapi_core.targets import Scope, check_address

DENIED = {
    "this network": ["0.0.0.1", "0.1.2.3"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fec0::1"],
    "link-local": ["169.254.1.1", "fe80::1"],
    "cloud metadata": ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1"],
    "reserved": [
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "::7f00:1",
        "2001:20::1",
        "4000::1",
    ],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
    "deprecated transition": ["192.88.99.1", "2002:7f00:1::", "2001:0:53aa:64c:0:0:0:1"],
    "unspecified": ["::"],
}


@pytest.mark.parametrize(("kind", "address"), [(kind, address) for kind, many in DENIED.items() for address in many])
def test_special_addresses_are_denied_by_their_kind(kind: str, address: str) -> None:
    with pytest.raises(SecapiError, match=f"is in the {kind} range") as refusal:
        check_address(address, Scope())
    assert refusal.value.failure.reason is FailureReason.TARGET_FORBIDDEN
    assert "allowedTargets.cidrs" in refusal.value.failure.message


@pytest.mark.parametrize("address", ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_are_allowed(address: str) -> None:
    check_address(address, Scope())


@pytest.mark.parametrize(
    "address",
    ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1"],
)
def test_a_denied_ipv4_address_is_denied_in_its_ipv6_forms(address: str) -> None:
    with pytest.raises(SecapiError, match="which is denied"):
        check_address(address, Scope())


def scope(*allowed: str, denied: tuple[str, ...] = ()) -> Scope:
    return Scope(allowed_cidrs=tuple(map(ip_network, allowed)), denied_cidrs=tuple(map(ip_network, denied)))


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1/32", "::ffff:127.0.0.1"),
        ("::1/128", "::1"),
        ("10.1.0.0/16", "10.1.2.3"),
        ("169.254.169.254/32", "169.254.169.254"),
    ],
)
def test_a_policy_allows_a_denied_range_by_naming_it_or_a_part_of_it(allowed: str, address: str) -> None:
    if address == "169.254.169.254":
        check_address(address, scope(allowed, "169.254.0.0/16"))
    else:
        check_address(address, scope(allowed))


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("0.0.0.0/0", "10.0.0.1"),
        ("0.0.0.0/1", "127.0.0.1"),
        ("::/0", "::1"),
        ("10.1.0.0/16", "10.2.0.1"),
        ("169.254.0.0/16", "169.254.169.254"),
        ("100.64.0.0/10", "100.100.100.200"),
        ("fd00::/8", "fd00:ec2::254"),
    ],
)
def test_a_wide_range_opens_no_narrower_denied_one(allowed: str, address: str) -> None:
    with pytest.raises(SecapiError, match="which is denied"):
        check_address(address, scope(allowed))


def test_the_clusters_ranges_are_denied_even_inside_an_allowed_private_range() -> None:
    cluster = ("10.96.0.0/12",)
    check_address("10.1.0.1", scope("10.0.0.0/8", denied=cluster))
    with pytest.raises(SecapiError, match="is in the cluster range"):
        check_address("10.96.0.1", scope("10.0.0.0/8", denied=cluster))
    check_address("10.96.0.1", scope("10.0.0.0/8", "10.96.0.1/32", denied=cluster))


def test_a_public_range_of_the_cluster_is_denied() -> None:
    with pytest.raises(SecapiError, match="is in the cluster range"):
        check_address("1.1.1.1", scope(denied=("1.1.1.0/24",)))


def test_a_scope_survives_storage_as_json() -> None:
    kept = scope("127.0.0.0/8", "fd00::/8", denied=("10.96.0.0/12",))
    assert Scope.from_wire(kept.to_wire()) == kept
    assert kept.to_wire() == {"allowedCidrs": ["127.0.0.0/8", "fd00::/8"], "deniedCidrs": ["10.96.0.0/12"]}


@given(st.ip_addresses(), st.lists(st.ip_addresses(v=4), max_size=3))
def test_allowing_more_never_denies_more(address: IPv4Address | IPv6Address, allowed: list[IPv4Address]) -> None:
    def denied(*cidrs: str) -> bool:
        try:
            check_address(address, scope(*cidrs))
        except SecapiError:
            return True
        return False

    assert denied() or not denied(*map(str, allowed))


@given(st.ip_addresses())
def test_whatever_the_standard_library_calls_not_global_is_denied(address: IPv4Address | IPv6Address) -> None:
    reached = destination(address)
    if reached.is_multicast or reached.is_reserved or not reached.is_global:
        with pytest.raises(SecapiError, match="which is denied"):
            check_address(address, Scope())
