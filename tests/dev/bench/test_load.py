"""The benchmark's HTTP client and what it makes of latencies."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from secapi_dev.bench.load import connected, drive, drive_for, percentile_ms
from secapi_dev.errors import StackError


class Server:
    """Answers every request with what it was, and counts connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.status = "200 OK"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
                body = head.encode() + await reader.readexactly(length)
                writer.write(f"HTTP/1.1 {self.status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        except asyncio.IncompleteReadError:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    made = Server()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as listening:
        yield made, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_requests_carry_the_key_and_the_body_over_one_connection(server: tuple[Server, str]) -> None:
    echo, url = server
    async with connected(url, api_key="sk_x") as [connection]:
        assert (await connection.get("/a?b=c")).startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1")
        sent = await connection.post("/d", b'{"e": 1}')
    assert b"Authorization: Bearer sk_x\r\n" in sent
    assert sent.endswith(b'{"e": 1}')
    assert echo.connections == 1


async def test_an_answer_that_is_not_2xx_is_an_error_with_its_words(server: tuple[Server, str]) -> None:
    echo, url = server
    echo.status = "503 Service Unavailable"
    async with connected(url) as [connection]:
        with pytest.raises(StackError, match=r"GET /a was answered HTTP/1.1 503 Service Unavailable: GET /a"):
            await connection.get("/a")


async def test_a_load_is_shared_by_its_connections_and_timed(server: tuple[Server, str]) -> None:
    echo, url = server
    async with connected(url, count=4) as connections:
        load = await drive(connections, lambda connection: connection.get("/"), count=100)
    assert echo.connections == 4
    assert len(load.latencies) == 100
    assert load.per_second == pytest.approx(100 / load.seconds)
    assert 0 < load.milliseconds(50) <= load.milliseconds(95) <= load.seconds * 1000


async def test_any_answer_can_be_asked_for_with_headers_of_its_own(server: tuple[Server, str]) -> None:
    echo, url = server
    echo.status = "422 Unprocessable Entity"
    async with connected(url) as [connection]:
        answer = await connection.ask("POST", "/a", b"{}", headers="Idempotency-Key: x\r\n")
    assert answer.status == 422
    assert b"Idempotency-Key: x\r\n" in answer.body


async def test_a_load_ends_with_its_time(server: tuple[Server, str]) -> None:
    _, url = server
    async with connected(url, count=2) as connections:
        load = await drive_for(connections, lambda connection: connection.get("/"), seconds=0.2)
    assert len(load.latencies) > 2
    assert 0.2 <= load.seconds < 2


def test_percentiles_are_milliseconds() -> None:
    seconds = [number / 1000 for number in range(1, 100)]
    assert percentile_ms(seconds, 50) == 50.0
    assert percentile_ms(seconds, 95) == 95.0
    assert percentile_ms(seconds, 99) == 99.0
