"""Which IP addresses are nobody's public service, and are therefore denied unless a policy names them.

The standard library's ``is_global`` is no help: it holds for multicast and for IPv6 forms that carry a private IPv4
address. The table follows the IANA special-purpose registries, plus the addresses at which clouds serve instance
metadata; those have rows of their own, so that allowing a whole private range does not open them by accident.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_RANGES = {
    "this network": ("0.0.0.0/8",),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "unspecified": ("::/128",),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "carrier-grade NAT": ("100.64.0.0/10",),
    "cloud metadata": (
        "169.254.169.254/32",
        "169.254.170.2/32",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
    ),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    # Of IPv6, only 2000::/3 has been given out for public services.
    "reserved": ("192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "::/3", "2001::/23", "4000::/2", "8000::/1"),
    "deprecated transition": ("192.88.99.0/24", "2001::/32", "2002::/16"),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
}

SPECIAL_NETWORKS: tuple[tuple[Network, str], ...] = tuple(
    sorted(
        ((ip_network(cidr), name) for name, cidrs in _RANGES.items() for cidr in cidrs),
        key=lambda special: -special[0].prefixlen,
    )
)
"""Denied networks and what each is, the narrowest first; an address can be in several."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""What DNS64 answers in IPv6-only clusters for names that have IPv4 addresses only."""


def unmapped(address: Address) -> Address:
    """The IPv4 address where ``address`` is the IPv4-mapped spelling of one (``::ffff:a.b.c.d``), else itself."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def destination(address: Address) -> Address:
    """Where traffic to ``address`` ends: the IPv4 address behind a mapped or a NAT64 one, else itself."""
    address = unmapped(address)
    return IPv4Address(int(address) & 0xFFFF_FFFF) if contains(_NAT64, address) else address


def contains(network: Network, address: Address) -> bool:
    """Whether ``address`` is in ``network``; never across IP versions."""
    return network.version == address.version and address in network


def is_inside(inner: Network, outer: Network) -> bool:
    """Whether all of ``inner`` is in ``outer``; never across IP versions."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
