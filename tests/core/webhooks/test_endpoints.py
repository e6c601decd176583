"""Where webhooks may go: public addresses, by https, unless a setting says otherwise."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from secapi_core.networks import Address
from secapi_core.settings import WebhookSettings
from secapi_core.webhooks import endpoints
from secapi_core.webhooks.endpoints import EndpointRefused, Resolve, allowed_addresses, parse_endpoint
from secapi_core.webhooks.events import DeliveryFailure


def settings(**values: Any) -> WebhookSettings:
    return WebhookSettings.model_validate(values)


def answering(*addresses: str) -> Resolve:
    async def resolve(_host: str) -> Sequence[Address]:
        return [ip_address(address) for address in addresses]

    return resolve


@pytest.mark.parametrize(
    ("url", "spelt"),
    [
        ("https://Hooks.Example", "https://hooks.example/"),
        ("https://hooks.example:443/a?b=c#d", "https://hooks.example/a?b=c"),
        ("https://hooks.example.:8443/", "https://hooks.example:8443/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://0x7f000001/", "https://127.0.0.1/"),
    ],
)
def test_an_address_has_one_spelling(url: str, spelt: str) -> None:
    assert parse_endpoint(url, settings()).url == spelt


@pytest.mark.parametrize("url", ["http://hooks.example/", "ftp://hooks.example/", "https://a:b@hooks.example/", "x"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(EndpointRefused):
        parse_endpoint(url, settings())


def test_http_can_be_allowed() -> None:
    assert parse_endpoint("http://hooks.example/", settings(webhook_allow_http=True)).url == "http://hooks.example/"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:192.168.0.1", "64:ff9b::a00:1", "fe80::1"],
)
async def test_no_name_leads_inside(address: str) -> None:
    # One forbidden address among others is enough.
    with pytest.raises(EndpointRefused) as refused:
        await allowed_addresses("hooks.example", settings(), answering("93.184.215.14", address))
    assert refused.value.reason is DeliveryFailure.ADDRESS_FORBIDDEN


async def test_the_clusters_own_ranges_are_closed() -> None:
    with pytest.raises(EndpointRefused, match=r"cluster range 93\.184\.0\.0/16"):
        await allowed_addresses("hooks.example", settings(denied_cidrs=["93.184.0.0/16"]), answering("93.184.215.14"))


async def test_a_range_can_be_opened_by_name_and_no_other_with_it() -> None:
    opened = settings(webhook_allowed_cidrs=["10.1.0.0/16", "0.0.0.0/0"])
    assert await allowed_addresses("10.1.2.3", opened, answering()) == ["10.1.2.3"]
    with pytest.raises(EndpointRefused):
        await allowed_addresses("10.2.0.1", opened, answering())


async def test_public_addresses_are_given_in_the_resolvers_order() -> None:
    found = await allowed_addresses("hooks.example", settings(), answering("2606:4700::1111", "93.184.215.14"))
    assert found == ["2606:4700::1111", "93.184.215.14"]


async def test_a_name_without_addresses_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(_host: str) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(endpoints, "RESOLVE_SECONDS", 0.05)
    for resolve in (answering(), slow):
        with pytest.raises(EndpointRefused) as refused:
            await allowed_addresses("nowhere.invalid", settings(), resolve)
        assert refused.value.reason is DeliveryFailure.UNRESOLVABLE
