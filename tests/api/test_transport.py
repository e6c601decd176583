"""What is written in a row is sent in one piece."""

import asyncio
from typing import Any

import pytest

from secapi_api.transport import HELD_BYTES, GatheringTransport


class Sent(asyncio.Transport):
    """A connection that notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False
        self.aborted = False

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
async def sent() -> Sent:
    return Sent()


@pytest.fixture
async def transport(sent: Sent) -> GatheringTransport:
    return GatheringTransport(sent, asyncio.get_running_loop())


async def test_head_and_body_are_one_piece(transport: GatheringTransport, sent: Sent) -> None:
    transport.write(b"head ")
    transport.write(b"body")
    assert sent.pieces == []
    await asyncio.sleep(0)
    transport.write(b"more")
    await asyncio.sleep(0)
    assert sent.pieces == [b"head body", b"more"]


async def test_what_is_written_before_the_end_is_sent(transport: GatheringTransport, sent: Sent) -> None:
    transport.write(b"goodbye")
    transport.close()
    assert (sent.pieces, sent.closed) == ([b"goodbye"], True)
    await asyncio.sleep(0)
    assert sent.pieces == [b"goodbye"]


async def test_whoever_hangs_up_sends_nothing_more(transport: GatheringTransport, sent: Sent) -> None:
    transport.write(b"never mind")
    transport.abort()
    await asyncio.sleep(0)
    assert (sent.pieces, sent.aborted) == ([], True)


async def test_no_more_is_held_than_is_worth_it(transport: GatheringTransport, sent: Sent) -> None:
    for _ in range(4):
        transport.write(b"x" * HELD_BYTES)
    assert sum(map(len, sent.pieces)) >= 3 * HELD_BYTES
    await asyncio.sleep(0)
    assert b"".join(sent.pieces) == b"x" * (4 * HELD_BYTES)
