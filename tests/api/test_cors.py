"""Pages of other origins: none may call the API but those that are named, and never with a session's cookie."""

from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from api_harness import Api, running_api
from secapi_api.settings import ApiSettings, Tuning

PAGE = "https://dashboards.example:8443"


@pytest.fixture
async def open_to_a_page(settings: ApiSettings) -> AsyncIterator[Api]:
    tuning = settings.tuning.model_copy(update={"cors_origins": (PAGE,)})
    async with running_api(settings.model_copy(update={"tuning": tuning})) as api:
        yield api


def preflight(origin: str, method: str = "POST", headers: str = "authorization, content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_by_default_no_page_may_call(api: Api, tenant: str) -> None:
    client = await api.client("viewer", tenant)
    assert (await api.anonymous().options("/v1/scans", headers=preflight(PAGE))).status_code == 405
    answer = await client.get("/v1/scans", headers={"Origin": PAGE})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_named_page_may_call_and_see_what_it_needs(open_to_a_page: Api, tenant: str) -> None:
    asked = await open_to_a_page.anonymous().options("/v1/scans", headers=preflight(PAGE))
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == PAGE
    assert "access-control-allow-credentials" not in asked.headers
    answer = await (await open_to_a_page.client("viewer", tenant)).get("/v1/scans", headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{PAGE}.evil.example", "null", "http://dashboards.example:8443"]
)
async def test_other_pages_may_not(open_to_a_page: Api, origin: str) -> None:
    asked = await open_to_a_page.anonymous().options("/v1/scans", headers=preflight(origin))
    assert (asked.status_code, "access-control-allow-origin" in asked.headers) == (400, False)


async def test_a_named_page_may_not_send_the_token_of_a_session(open_to_a_page: Api) -> None:
    asked = await open_to_a_page.anonymous().options(
        "/v1/scans", headers=preflight(PAGE, headers="authorization, x-csrf-token")
    )
    assert asked.status_code == 400


@pytest.mark.parametrize("origin", ["*", "dashboards.example", "https://dashboards.example/", "https://*.example"])
def test_an_origin_that_is_none_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError):
        Tuning(cors_origins=(origin,))
