"""What the client does while the server is away, overloaded or not SecAPI at all."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from aiohttp import web

from fault_proxy import Cut, FaultProxy, count
from running_stack import NAMESPACE, RunningStack
from secapi_client import Client, NotFound, Refused, Retries, ServerFailed, UnexpectedAnswer, Unreachable
from secapi_client.connection import Connection
from secapi_client.models.specs import ScanSpec
from secapi_command import Secapi, heard
from tcp_proxy import Mode, TcpProxy

QUICK = Retries(attempts=4, budget=20, first_delay=0.01, longest_delay=0.05)
SPEC = ScanSpec(targets=[{"url": "http://127.0.0.1/"}], scanners=[{"name": "noop"}])
SUBMISSION = r"POST /v1/scans\b"


@pytest.fixture
def client(faults: FaultProxy, stack: RunningStack) -> Iterator[Client]:
    """A client that reaches the API only through ``faults``; it blocks, so it is called in threads."""
    with Client(faults.url, stack.facts["apiKey"], retries=QUICK, timeout=5) as client:
        yield client


async def test_what_may_pass_is_tried_again(client: Client, faults: FaultProxy) -> None:
    for status in (429, 502, 503, 504):
        fault = faults.fail("GET /v1/scans", status, times=2)
        await asyncio.to_thread(lambda: list(client.scans.list(limit=1)))
        assert fault.hit == 2


async def test_a_connection_that_breaks_is_made_again(client: Client, faults: FaultProxy) -> None:
    fault = faults.fail("GET /v1/scanners", Cut.BEFORE, times=3)
    scanners = await asyncio.to_thread(lambda: list(client.scanners.list()))
    assert fault.hit == 3
    assert "noop" in {scanner.name for scanner in scanners}


async def test_a_submission_whose_answer_is_lost_is_one_scan(client: Client, faults: FaultProxy) -> None:
    faults.fail(SUBMISSION, Cut.AFTER, times=2)
    spec = ScanSpec(targets=[{"url": "http://127.0.0.1/lost"}], scanners=[{"name": "noop"}])
    submitted = await asyncio.to_thread(client.scans.submit, NAMESPACE, spec)
    assert count(faults.requests, SUBMISSION) == 3
    await asyncio.to_thread(client.scans.wait, submitted.id)
    scans = await asyncio.to_thread(lambda: list(client.scans.list(target="url:http://127.0.0.1:80/lost")))
    assert [scan.id for scan in scans] == [submitted.id]


async def test_a_deletion_whose_answer_is_lost_is_done(client: Client, faults: FaultProxy) -> None:
    submitted = await asyncio.to_thread(client.scans.submit, NAMESPACE, SPEC)
    await asyncio.to_thread(client.scans.wait, submitted.id)
    faults.fail("DELETE /v1/scans", Cut.AFTER)
    assert await asyncio.to_thread(client.scans.delete, submitted.id) is None
    with pytest.raises(NotFound):
        await asyncio.to_thread(client.scans.delete, submitted.id)


async def test_an_accepted_scan_that_is_not_there_yet_is_waited_for(
    client: Client, faults: FaultProxy, stack: RunningStack
) -> None:
    scan = await stack.submit()
    fault = faults.fail(f"GET /v1/scans/{scan}", 404, times=2)
    ended = await asyncio.to_thread(lambda: client.scans.wait(scan, accepted=True))
    assert (ended.phase, fault.hit) == ("Succeeded", 2)


async def test_an_upload_is_read_again_for_every_attempt(
    client: Client, faults: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = tmp_path_factory.mktemp("upload") / "source.tar"
    archive.write_bytes(b"x" * 300_000)
    faults.fail("POST /v1/artifacts", 503)
    faults.fail("POST /v1/artifacts", Cut.AFTER)
    artifact = await asyncio.to_thread(client.artifacts.upload, archive, namespace=NAMESPACE)
    assert artifact.size == 300_000


async def test_what_is_done_twice_when_sent_twice_is_sent_once(faults: FaultProxy, stack: RunningStack) -> None:
    connection = Connection(faults.url, stack.facts["apiKey"], timeout=5, retries=QUICK)
    fault = faults.fail("POST /v1/made-up", 503, times=9)
    with pytest.raises(ServerFailed):
        await asyncio.to_thread(connection.send, "POST", "/v1/made-up")
    connection.close()
    assert fault.hit == 1


async def test_it_waits_as_long_as_the_server_asks_for(client: Client, faults: FaultProxy) -> None:
    faults.fail("GET /v1/scans", 503, retry_after=1)
    began = asyncio.get_running_loop().time()
    await asyncio.to_thread(lambda: list(client.scans.list(limit=1)))
    assert asyncio.get_running_loop().time() - began >= 1


async def test_it_gives_up_at_once_when_it_would_have_to_wait_for_too_long(client: Client, faults: FaultProxy) -> None:
    fault = faults.fail("GET /v1/scans", 429, times=9, retry_after=3600)
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(lambda: list(client.scans.list(limit=1)))
    assert (refused.value.status, fault.hit) == (429, 1)


async def test_it_gives_up_after_its_attempts(client: Client, faults: FaultProxy) -> None:
    fault = faults.fail("GET /v1/scans", 503, times=9)
    with pytest.raises(ServerFailed) as failed:
        await asyncio.to_thread(lambda: list(client.scans.list(limit=1)))
    assert (failed.value.status, failed.value.attempts, fault.hit) == (503, 4, 4)


@pytest.mark.parametrize("status", [400, 500])
async def test_what_will_not_pass_is_not_tried_again(client: Client, faults: FaultProxy, status: int) -> None:
    fault = faults.fail("GET /v1/scans", status, times=9)
    with pytest.raises((Refused, ServerFailed)):
        await asyncio.to_thread(lambda: list(client.scans.list(limit=1)))
    assert fault.hit == 1


async def test_a_refusal_names_field_kind_and_request(client: Client) -> None:
    wrong = ScanSpec(targets=[{"url": "ftp://nowhere"}], scanners=[{"name": "noop"}])
    with pytest.raises(Refused) as refused:
        await asyncio.to_thread(client.scans.submit, NAMESPACE, wrong)
    assert refused.value.type == "urn:secapi:problem:invalid-request"
    assert [error.pointer for error in refused.value.errors] == ["/spec/targets/0/url"]
    assert refused.value.request_id


async def test_all_pages_of_a_list_are_read(client: Client, stack: RunningStack) -> None:
    scan = await stack.submit(findings=450)
    await asyncio.to_thread(client.scans.wait, scan)
    found = await asyncio.to_thread(lambda: list(client.scans.findings(scan)))
    assert len({finding.id for finding in found}) == len(found) == 450


async def test_a_watched_scan_is_waited_for_through_an_outage(secapi: Secapi, stack: RunningStack) -> None:
    scan = await stack.submit(seconds=2)
    address = port_of(stack.facts["apiUrl"])
    async with TcpProxy.before("127.0.0.1", address) as proxy:
        through = secapi.having(SECAPI_SERVER=f"http://127.0.0.1:{proxy.port}")
        watcher = await through.start("scan", "watch", scan, "-o", "json")
        await heard(watcher, "running")
        proxy.set(Mode.REFUSE)
        await stack.settled([scan], within=30)
        proxy.set(Mode.FORWARD)
        output, messages = await asyncio.wait_for(watcher.communicate(), 30)
    assert watcher.returncode == 0, messages.decode()
    assert json.loads(output)["phase"] == "Succeeded"


async def test_a_server_that_is_down_ends_a_command_with_5(secapi: Secapi) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        ended = await secapi("scan", "list", "--server", server)
    assert ended.code == 5
    *before, last = ended.messages.splitlines()
    assert last.startswith(f"secapi: {server} cannot be reached: ")
    assert len(before) == 4
    assert all("; trying again in " in line for line in before)


async def test_a_key_that_the_server_does_not_know_ends_a_command_with_4(secapi: Secapi) -> None:
    unknown = {"SECAPI_TOKEN": "sk_made_up"}
    ended = await secapi.having(**unknown)("scan", "list")
    assert ended.code == 4
    assert "unknown, expired or revoked" in ended.messages
    assert "sk_made_up" not in ended.messages


@pytest.fixture
def apiserver(stack: RunningStack, tmp_path: Path) -> tuple[str, Path]:
    """The address of a server that does not know the key, and the certificate of an authority that only it has."""
    cluster = yaml.safe_load(Path(stack.facts["kubeconfig"]).read_text())["clusters"][0]["cluster"]
    authority = tmp_path / "ca.crt"
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return cluster["server"], authority


async def test_a_certificate_that_is_not_trusted_can_be_vouched_for(
    secapi: Secapi, apiserver: tuple[str, Path]
) -> None:
    server, authority = apiserver
    elsewhere = secapi.having(SECAPI_SERVER=server)
    refused = await elsewhere("scan", "list")
    assert refused.code == 5
    assert "SSL_CERT_FILE" in refused.messages
    assert refused.messages.count("\n") == 1
    trusted = await elsewhere.having(SSL_CERT_FILE=str(authority))("scan", "list")
    assert trusted.code == 4
    assert "answered 401 Unauthorized" in trusted.messages


@asynccontextmanager
async def answering(answer: web.Response) -> AsyncIterator[str]:
    """The address of a server that gives one answer to everything."""
    app = web.Application()

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (web.Response(text="<html>hello</html>", content_type="text/html"), "does not answer as a SecAPI server"),
        (web.Response(text='{"items": 7}', content_type="application/json"), "does not answer as a SecAPI server"),
        (
            web.Response(status=302, headers={"Location": "https://other.example/"}),
            "redirects to https://other.example/",
        ),
    ],
)
async def test_a_server_that_is_not_secapi_is_told_so(secapi: Secapi, answer: web.Response, why: str) -> None:
    async with answering(answer) as server:
        ended = await secapi("scan", "list", "--server", server)
        assert ended.code == 5
        assert why in ended.messages
        with Client(server, "sk_x") as client, pytest.raises(UnexpectedAnswer):
            await asyncio.to_thread(client.scans.get, UUID(int=0))


async def test_a_gateway_that_answers_in_its_own_words_is_quoted_by_its_status(secapi: Secapi) -> None:
    async with answering(web.Response(status=403, text="<h1>blocked</h1>", content_type="text/html")) as server:
        ended = await secapi("scan", "list", "--server", server)
    assert ended.code == 4
    assert ended.messages == f"secapi: {server} answered 403 Forbidden\n"


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    once = Retries(attempts=1)
    async with server:
        with (
            Client(f"http://127.0.0.1:{port}", "sk_x", timeout=0.2, retries=once) as client,
            pytest.raises(Unreachable, match="did not answer in time"),
        ):
            await asyncio.to_thread(client.scans.get, UUID(int=0))


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
