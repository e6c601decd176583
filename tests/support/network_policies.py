"""What NetworkPolicies let through, as their specification says; no cluster is asked."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from rendering import Object, Rendering


def allowed(rendering: Rendering, pod: Object, direction: str) -> Iterator[Object]:
    """The rules of all policies that select a pod; ``direction`` is ``ingress`` or ``egress``."""
    for policy in rendering.kind("NetworkPolicy"):
        if selects(policy["spec"]["podSelector"], pod["metadata"]["labels"]):
            yield from policy["spec"].get(direction) or []


def isolated(rendering: Rendering, pod: Object) -> set[str]:
    """The directions in which nothing is allowed that no rule allows."""
    policies = (policy["spec"] for policy in rendering.kind("NetworkPolicy"))
    labels = pod["metadata"]["labels"]
    return {way for policy in policies if selects(policy["podSelector"], labels) for way in policy["policyTypes"]}


def reaches(rendering: Rendering, pod: Object, address: str, port: int) -> bool:
    """Whether a pod may connect to an address outside of the cluster."""
    return any(
        _on(rule, port) and ("to" not in rule or any(_in(peer, address) for peer in rule["to"]))
        for rule in allowed(rendering, pod, "egress")
    )


def connects(rendering: Rendering, client: Object, server: Object, port: int) -> bool:
    """Whether a pod of the release may connect to another: one is let out to it and the other lets it in."""
    out = any(_between(rule, "to", server, port) for rule in allowed(rendering, client, "egress"))
    return out and any(_between(rule, "from", client, port) for rule in allowed(rendering, server, "ingress"))


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a selector, which has only ``matchLabels``, selects what has these labels."""
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return labels.items() >= wanted.items()


def _between(rule: Object, key: str, pod: Object, port: int) -> bool:
    if not _on(rule, port):
        return False
    peers = rule.get(key)
    return peers is None or any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and selects(peer["podSelector"], pod["metadata"]["labels"])
        for peer in peers
    )


def _on(rule: Object, port: int) -> bool:
    return "ports" not in rule or any(entry.get("port") == port for entry in rule["ports"])


def _in(peer: Object, address: str) -> bool:
    block = peer.get("ipBlock")
    if block is None:
        return False
    ip = ip_address(address)
    return ip in ip_network(block["cidr"]) and not any(ip in ip_network(hole) for hole in block.get("except", []))
