"""The console script as a process of its own: sockets, aborted clients, and stopping."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from api_harness import Api
from api_process import Server, running_server
from event_streams import listening
from ledger_factories import make_scan, planned_scan
from secapi_api.settings import ApiSettings
from secapi_dev.ports import Ports
from waiting import until

MEBIBYTE = 1024 * 1024
BOUNDS = {"head_timeout": 1.5, "artifact_limit": 16 * MEBIBYTE}


@pytest.fixture(scope="module")
async def server(
    settings: ApiSettings, ports: Ports, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    async with running_server(settings, ports, tmp_path_factory.mktemp("api"), **BOUNDS) as server:
        yield server


@pytest.fixture
async def stopping(settings: ApiSettings, ports: Ports, tmp_path: Path) -> AsyncIterator[Server]:
    """A server of its own for a test that stops it."""
    async with running_server(settings, ports, tmp_path, **BOUNDS) as server:
        yield server


def trickle(parts: int, release: asyncio.Event) -> AsyncIterator[bytes]:
    """A body of ``parts`` MiB that stops before the last one until ``release`` is set."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(parts - 1):
            yield b"x" * MEBIBYTE
        await release.wait()
        yield b"x" * MEBIBYTE

    return chunks()


async def test_a_request_under_way_is_finished_before_the_process_ends(api: Api, stopping: Server, tenant: str) -> None:
    release = asyncio.Event()
    key = await api.key("operator", tenant)
    async with stopping.client() as client:
        upload = asyncio.create_task(
            client.post("/v1/artifacts", content=trickle(3, release), headers={"Authorization": f"Bearer {key}"})
        )
        await until(lambda: in_flight(stopping, 2))
        stopping.process.send_signal(signal.SIGTERM)
        await until(lambda: refuses_connections(stopping))
        release.set()
        assert (await upload).status_code == 201
    assert await asyncio.wait_for(stopping.process.wait(), 10) == 0


async def test_a_client_that_never_ends_does_not_keep_the_process(api: Api, stopping: Server, tenant: str) -> None:
    key = await api.key("operator", tenant)
    async with stopping.client() as client:
        upload = asyncio.create_task(
            client.post(
                "/v1/artifacts", content=trickle(2, asyncio.Event()), headers={"Authorization": f"Bearer {key}"}
            )
        )
        await until(lambda: in_flight(stopping, 2))
        stopping.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(stopping.process.wait(), 15) == 0
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)


async def test_an_upload_that_is_broken_off_leaves_nothing_and_is_no_defect(
    api: Api, server: Server, tenant: str, artifact_directory: Path
) -> None:
    key = await api.key("operator", tenant)
    async with server.client() as client:
        upload = asyncio.create_task(
            client.post(
                "/v1/artifacts", content=trickle(14, asyncio.Event()), headers={"Authorization": f"Bearer {key}"}
            )
        )
        await until(lambda: any((artifact_directory / tenant).rglob("*")))
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)
    await until(lambda: in_flight(server, 1))
    await until(lambda: not any(path.is_file() for path in (artifact_directory / tenant).rglob("*")))
    assert "defect" not in server.log.read_text()


async def test_requests_whose_clients_go_away_leak_no_connection(api: Api, server: Server, tenant: str) -> None:
    key = await api.key("viewer", tenant)
    async with server.client() as client:
        client.headers["Authorization"] = f"Bearer {key}"
        for _ in range(10):
            requests = [asyncio.create_task(client.get("/v1/scans")) for _ in range(50)]
            await asyncio.sleep(0.02)  # Some are sent, some are being answered, some are done.
            for request in requests:
                request.cancel()
            await asyncio.gather(*requests, return_exceptions=True)
    await until(lambda: in_flight(server, 1))
    assert await server.metric('secapi_database_pool_connections{state="in_use"}') == 0
    assert "defect" not in server.log.read_text()


@pytest.mark.parametrize("announced", [True, False])
async def test_a_client_that_sends_too_much_hears_why(api: Api, server: Server, tenant: str, announced: bool) -> None:
    """Spoken by hand, because a client library may give up sending before it reads."""
    key = await api.key("operator", tenant)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    length = f"Content-Length: {17 * MEBIBYTE}" if announced else "Transfer-Encoding: chunked"
    writer.write(f"POST /v1/artifacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{length}\r\n\r\n".encode())
    if not announced:
        for _ in range(17):
            writer.write(b"%x\r\n" % MEBIBYTE + b"x" * MEBIBYTE + b"\r\n")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in head.lower()


async def in_flight(server: Server, requests: int) -> bool:
    """Whether so many requests are being answered, the one that asks included."""
    return await server.metric("secapi_api_requests_in_flight") == requests


async def refuses_connections(server: Server) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def raw(server: Server, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What the server says to these bytes until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    with contextlib.closing(writer):
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                writer.write(piece)
                await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(8):
            with contextlib.suppress(ConnectionError):
                return await reader.read()
    return b""


LINE = b"GET /healthz HTTP/1.1\r\nHost: api\r\n"


@pytest.mark.parametrize("said", [b"", LINE, LINE + b"X-Unfinished: "], ids=["nothing", "a line", "half a header"])
async def test_a_client_that_does_not_finish_its_head_is_hung_up_on(server: Server, said: bytes) -> None:
    async with asyncio.timeout(4):
        assert (await raw(server, said)).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.parametrize(
    "head",
    [
        LINE + b"X-Large: " + b"x" * 40_000 + b"\r\n\r\n",
        LINE + b"".join(b"X-%d: y\r\n" % number for number in range(5_000)),
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["one header", "headers without end", "the line"],
)
async def test_a_head_that_is_too_large_is_refused(server: Server, head: bytes) -> None:
    assert b" 431 Request Header Fields Too Large\r\n" in await raw(server, head)


async def test_a_head_that_comes_in_pieces_is_answered(server: Server) -> None:
    answer = await raw(server, b"GET /heal", b"thz HTTP/1.1\r\nHo", b"st: api\r\nConnection: close\r\n\r\n", pause=0.2)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_connection_that_goes_on_is_given_as_much_time_for_each_head(server: Server) -> None:
    async with server.client() as client:
        for _ in range(3):
            assert (await client.get("/healthz")).status_code == 200
            await asyncio.sleep(0.8)


async def test_a_slow_body_is_not_taken_for_a_slow_head(api: Api, server: Server, tenant: str) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.6)
            yield b"part"

    key = await api.key("operator", tenant)
    async with server.client() as client:
        answer = await client.post("/v1/artifacts", content=slowly(), headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["size"]) == (201, 16)


async def test_streams_of_events_end_at_once_when_the_process_is_told_to_stop(
    api: Api, stopping: Server, tenant: str
) -> None:
    scan = make_scan(tenant)
    await planned_scan(api.owner, scan=scan)
    keys = [await api.key("viewer", tenant) for _ in range(5)]
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(stopping.client())
        listeners = []
        for number in range(50):
            client.headers["Authorization"] = f"Bearer {keys[number % 5]}"
            listener = await stack.enter_async_context(listening(client, f"/v1/scans/{scan.id}/events"))
            await listener.next(2)
            listeners.append(listener)
        stopping.process.send_signal(signal.SIGTERM)
        rests = await asyncio.gather(*(listener.rest(within=3) for listener in listeners))
        assert await asyncio.wait_for(stopping.process.wait(), 4) == 0
    assert rests == [[]] * 50
    log = stopping.log.read_text()
    assert "Cancel" not in log
    assert "defect" not in log
