"""No pod talks to more than it needs."""

from collections.abc import Mapping

import pytest

from network_policies import allowed, connects, isolated, reaches
from rendering import VALUES, Rendering, render
from secapi_dev.charttools.templating import Helm

PUBLIC = ["93.184.216.34", "2606:2800:220:1::1"]
PRIVATE = ["10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.0.9", "169.254.169.254", "127.0.0.1", "fd00::1", "fe80::1"]
SERVERS = {"postgresql": 5432, "redis": 6379}


def test_every_pod_is_isolated_both_ways(renderings: Mapping[str, Rendering]) -> None:
    for rendering in renderings.values():
        for pod in rendering.pods():
            assert isolated(rendering, pod) == {"Ingress", "Egress"}, pod["metadata"]["name"]


async def test_policies_can_be_left_to_others(helm: Helm) -> None:
    rendering = await render(helm, VALUES["embedded"], settings={"networkPolicy.enabled": False})
    assert rendering.kind("NetworkPolicy") == []


@pytest.mark.parametrize("address", PUBLIC)
def test_scanners_reach_the_internet(address: str, external: Rendering) -> None:
    assert reaches(external, external.pod("worker-network"), address, 8443)


@pytest.mark.parametrize("address", PRIVATE)
def test_scanners_do_not_reach_private_addresses(address: str, external: Rendering) -> None:
    assert not reaches(external, external.pod("worker-network"), address, 8443)


def test_the_clusters_own_ranges_are_closed_to_scanners(production: Rendering) -> None:
    # 203.0.113.0/24 is among operator.deniedCidrs of these values.
    for pool in ("network", "code"):
        assert not reaches(production, production.pod(f"worker-{pool}"), "203.0.113.7", 80)
    assert reaches(production, production.pod("worker-code"), "93.184.216.34", 80)


def test_a_pool_without_egress_reaches_only_what_it_names(production: Rendering) -> None:
    pod = production.pod("worker-network")
    assert reaches(production, pod, "198.51.100.7", 22)
    assert not reaches(production, pod, "93.184.216.34", 22)


def test_webhooks_reach_the_internet_and_what_is_opened_for_them(production: Rendering) -> None:
    pod = production.pod("worker-system")
    assert reaches(production, pod, "93.184.216.34", 8443)
    assert reaches(production, pod, "10.30.0.7", 8080)
    assert not reaches(production, pod, "10.31.0.7", 8080)
    assert not reaches(production, production.pod("worker-code"), "10.30.0.7", 8080)


def test_a_pool_may_name_its_own_rules(everything: Rendering) -> None:
    pod = everything.pod("worker-code")
    assert reaches(everything, pod, "192.0.2.9", 443)
    assert not reaches(everything, pod, "192.0.2.9", 80)
    assert not reaches(everything, pod, "93.184.216.34", 80)


def test_a_pool_inside_the_cluster_reaches_pods_and_not_the_internet(everything: Rendering) -> None:
    pod = everything.pod("worker-network")
    assert {"to": [{"namespaceSelector": {}}]} in list(allowed(everything, pod, "egress"))
    assert not reaches(everything, pod, "93.184.216.34", 80)


@pytest.mark.parametrize(
    ("client", "servers"),
    [("api", {"postgresql", "redis"}), ("operator", {"postgresql", "redis"}), ("worker-code", {"postgresql", "redis"})],
)
def test_the_embedded_servers_take_who_needs_them(client: str, servers: set[str], embedded: Rendering) -> None:
    reached = {
        server
        for server, port in SERVERS.items()
        if connects(embedded, embedded.pod(client), embedded.pod(server), port)
    }
    assert reached == servers


def test_the_embedded_servers_call_nobody(embedded: Rendering) -> None:
    for server in SERVERS:
        assert list(allowed(embedded, embedded.pod(server), "egress")) == []


def test_components_do_not_talk_to_each_other(embedded: Rendering) -> None:
    assert not connects(embedded, embedded.pod("worker-code"), embedded.pod("operator"), 8081)
    assert not connects(embedded, embedded.pod("worker-code"), embedded.pod("api"), 8080)
    assert connects(embedded, embedded.pod("test"), embedded.pod("api"), 8080)


@pytest.mark.parametrize("client", ["api", "operator", "worker-code", "migrations"])
def test_the_database_is_where_the_values_say(client: str, production: Rendering) -> None:
    pod = production.pod(client)
    assert reaches(production, pod, "10.20.0.5", 6432)
    assert not reaches(production, pod, "10.20.0.5", 5432)
    assert not reaches(production, pod, "10.20.0.6", 6432)


def test_only_components_of_kubernetes_reach_its_api(production: Rendering) -> None:
    reaching = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]
        for pod in production.pods()
        if reaches(production, pod, "10.0.0.1", 443)
    }
    assert reaching == {"api", "operator"}


def test_traces_and_errors_find_their_way_out(everything: Rendering) -> None:
    for name in ("api", "operator", "worker-code"):
        assert reaches(everything, everything.pod(name), "10.50.0.1", 4318)
        assert reaches(everything, everything.pod(name), "93.184.216.34", 443)


async def test_a_collector_without_a_port_is_on_its_schemes(helm: Helm) -> None:
    settings = {"tracing.enabled": True, "tracing.endpoint": "https://collector.example/otlp"}
    rendering = await render(helm, VALUES["production"], settings=settings)
    assert reaches(rendering, rendering.pod("worker-network"), "10.50.0.1", 443)


def test_only_the_api_asks_the_openid_provider(everything: Rendering) -> None:
    reaching = [name for name in ("api", "operator") if reaches(everything, everything.pod(name), "10.60.0.1", 8443)]
    assert reaching == ["api"]
