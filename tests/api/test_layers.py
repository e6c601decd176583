"""The ASGI layers around an application that does what a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from secapi_api.middleware.context import RequestContext
from secapi_api.middleware.failsafe import Failsafe
from secapi_api.middleware.limits import Bounds, RequestLimits
from secapi_api.middleware.observation import Observation

Endpoint = Callable[[Request], Awaitable[Response]]


def application(endpoint: Endpoint, *, body: int = 100, seconds: float = 5.0) -> httpx.AsyncClient:
    """A client of ``endpoint`` in all layers, in the order of the real application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    layers: ASGIApp = RequestLimits(app, Bounds(body, seconds), {("POST", "/large"): Bounds(10_000, seconds)})
    for layer in (Failsafe, Observation, RequestContext):
        layers = layer(layers)
    return httpx.AsyncClient(transport=httpx.ASGITransport(layers, raise_app_exceptions=False), base_url="http://test")


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


@pytest.mark.parametrize("given", ["abcdefgh", "0f8fad5b-d9cb-469f-a165-70867728950e"])
async def test_a_sane_request_id_is_taken_over(given: str) -> None:
    async with application(echo) as client:
        answer = await client.get("/", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "abcdefgh\u00e9", "abcd efgh", "../../etc/passwd"])
async def test_any_other_request_id_is_replaced(given: str) -> None:
    async with application(echo) as client:
        answer = await client.get("/", headers=[(b"X-Request-ID", given.encode())])
    assert len(answer.headers["X-Request-ID"]) == 32


async def test_every_answer_carries_the_security_headers() -> None:
    async with application(echo) as client:
        headers = (await client.get("/")).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"


async def test_a_body_up_to_the_limit_is_taken() -> None:
    async with application(echo) as client:
        answer = await client.post("/", content=b"x" * 100)
    assert (answer.status_code, len(answer.content)) == (200, 100)


async def test_a_body_announced_too_large_is_refused_before_it_is_read() -> None:
    async def never(request: Request) -> Response:
        raise AssertionError("the application was asked")

    async with application(never) as client:
        answer = await client.post("/", content=b"x" * 101)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Connection"] == "close"


async def test_a_body_that_turns_out_too_large_is_refused_while_it_is_read() -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1
            yield b"x" * 60

    async with application(echo) as client:
        answer = await client.post("/", content=endless())
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:secapi:problem:content-too-large")
    assert pulled == 2


async def test_a_path_can_have_bounds_of_its_own() -> None:
    async with application(echo) as client:
        assert (await client.post("/large", content=b"x" * 10_000)).status_code == 200


async def test_a_request_that_takes_too_long_is_given_up_and_stopped() -> None:
    stopped = asyncio.Event()

    async def slow(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    async with application(slow, seconds=0.05) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:secapi:problem:request-timeout")
    assert int(answer.headers["Retry-After"]) > 0
    assert stopped.is_set()


async def test_a_response_that_has_begun_may_take_its_time() -> None:
    async def streaming(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun, "
            await asyncio.sleep(0.1)  # Longer than the request may take to begin.
            yield b"done"

        return StreamingResponse(parts())

    async with application(streaming, seconds=0.05) as client:
        assert (await client.get("/")).text == "begun, done"


async def test_a_timeout_inside_the_application_is_not_taken_for_ours() -> None:
    async def failing(request: Request) -> Response:
        raise TimeoutError

    async with application(failing) as client:
        assert (await client.get("/")).status_code == 500


async def test_a_defect_is_logged_and_told_without_its_details() -> None:
    async def defect(request: Request) -> Response:
        raise ValueError("secret sk_1234")

    with capture_logs() as logs:
        async with application(defect) as client:
            answer = await client.get("/somewhere", headers={"X-Request-ID": "the-request"})
    problem = answer.json()
    assert answer.status_code == problem["status"] == 500
    assert (problem["instance"], problem["requestId"]) == ("/somewhere", "the-request")
    assert "sk_1234" not in answer.text
    assert [entry["log_level"] for entry in logs if entry["event"] == "request ended in a defect"] == ["error"]
