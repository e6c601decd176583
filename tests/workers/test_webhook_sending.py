"""One request to a receiver: what it carries, where it may go, and what every kind of answer comes to (promise P11)."""

import json
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from secapi_core.ledger.types import RESPONSE_LIMIT, ClaimedDelivery, DeliveryAnswer
from secapi_core.networks import Address
from secapi_core.settings import WebhookSettings
from secapi_core.webhooks.events import DeliveryFailure
from secapi_core.webhooks.signing import secret
from secapi_dev.controlplane.pki import CertificateAuthority
from secapi_workers.webhooks import sending
from secapi_workers.webhooks.sending import Sender
from webhook_receiver import OK, Receiver, answer, here, webhook_receiver

KEY = b"a key of the platform"


def delivery(url: str, versions: Sequence[int] = (1,)) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=uuid4(),
        webhook_id=uuid4(),
        namespace="team-a",
        event_type="scan.failed",
        event_id=uuid4(),
        payload={"type": "scan.failed", "data": {"name": "nächtlich"}},
        attempts=1,
        url=url,
        disabled=False,
        signing_versions=list(versions),
    )


def settings(**changes: Any) -> WebhookSettings:
    return WebhookSettings.model_validate(
        {"webhook_allow_http": True, "webhook_allowed_cidrs": ["127.0.0.0/8"]} | changes
    )


async def send(receiver: Receiver, path: str = "/hook", **changes: Any) -> DeliveryAnswer:
    url = f"http://127.0.0.1:{receiver.port}{path}"
    return await Sender(settings(**changes), KEY, timeout=2, resolve=here).send(delivery(url))


class Resolver:
    """Gives each of ``answers`` once, the last one from then on."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        return [ip_address(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])]


class TestWhatIsSent:
    @pytest.mark.parametrize("version", [4, 3])
    async def test_the_receiver_can_verify_it_with_each_secret_it_may_have(self, version: int) -> None:
        async with webhook_receiver() as receiver:
            sent = delivery(f"http://127.0.0.1:{receiver.port}/hook?a=b", [4, 3])
            sender = Sender(settings(), KEY, timeout=2, resolve=here)
            assert await sender.send(sent) == DeliveryAnswer(None, "thanks", 200)
        (got,) = receiver.received
        verified = Webhook(secret(KEY, sent.webhook_id, version)).verify(got.body, got.headers)
        assert verified == sent.payload == json.loads(got.body)
        assert got.headers["webhook-id"] == str(sent.event_id)
        assert got.headers["content-type"] == "application/json"
        assert got.headers["host"] == f"127.0.0.1:{receiver.port}"

    async def test_a_name_is_resolved_once_and_stays_in_the_request(self) -> None:
        resolver = Resolver("127.0.0.1", "10.0.0.1")
        async with webhook_receiver() as receiver:
            sender = Sender(settings(), KEY, timeout=2, resolve=resolver)
            taken = await sender.send(delivery(f"http://hooks.example:{receiver.port}/"))
        assert taken.failure is None
        assert resolver.asked == ["hooks.example"]
        assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"


class TestWhereItGoes:
    async def test_a_name_that_leads_elsewhere_by_now_is_not_followed(self) -> None:
        resolver = Resolver("127.0.0.1", "127.0.0.2", "10.0.0.1")
        async with webhook_receiver() as receiver:
            sender = Sender(settings(webhook_allowed_cidrs=["127.0.0.1/32"]), KEY, timeout=2, resolve=resolver)
            sent = delivery(f"http://hooks.example:{receiver.port}/")
            answers = [await sender.send(sent) for _ in range(3)]
        assert [each.failure for each in answers] == [None, *[DeliveryFailure.ADDRESS_FORBIDDEN] * 2]
        assert len(receiver.received) == 1
        assert "loopback range" in answers[1].response

    async def test_without_a_setting_nothing_goes_inside(self) -> None:
        async with webhook_receiver() as receiver:
            closed = await send(receiver, webhook_allowed_cidrs=[])
            plain = await send(receiver, webhook_allow_http=False)
        assert closed.failure is plain.failure is DeliveryFailure.ADDRESS_FORBIDDEN
        assert receiver.received == []

    async def test_a_redirect_is_not_followed(self) -> None:
        async with webhook_receiver() as other:
            location = f"Location: http://127.0.0.1:{other.port}/"
            async with webhook_receiver(answer("307 Temporary Redirect", location)) as receiver:
                refused = await send(receiver)
        assert (refused.failure, refused.status_code) == (DeliveryFailure.REFUSED, 307)
        assert other.received == []

    async def test_the_environments_proxy_is_not_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        async with webhook_receiver() as receiver:
            assert (await send(receiver)).failure is None

    async def test_the_next_address_is_tried_where_one_does_not_answer(self) -> None:
        async def resolve(_host: str) -> Sequence[Address]:
            return [ip_address("127.0.0.9"), ip_address("127.0.0.1")]

        async with webhook_receiver() as receiver:
            sender = Sender(settings(), KEY, timeout=2, resolve=resolve)
            assert (await sender.send(delivery(f"http://hooks.example:{receiver.port}/"))).failure is None


class TestAnswers:
    @pytest.mark.parametrize(
        ("given", "failure", "status"),
        [
            (answer("204 No Content"), None, 204),
            (answer("410 Gone"), DeliveryFailure.GONE, 410),
            (answer("400 Bad Request"), DeliveryFailure.REFUSED, 400),
            (answer("500 Internal Server Error"), DeliveryFailure.REFUSED, 500),
            (b"220 mail.example ESMTP\r\n\r\n", DeliveryFailure.ANSWER_INVALID, None),
            (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", DeliveryFailure.ANSWER_INVALID, None),
            (b"", DeliveryFailure.ANSWER_INVALID, None),
            (None, DeliveryFailure.TIMED_OUT, None),
        ],
        ids=["taken", "gone", "refused", "broken", "mail", "endless", "nothing", "silence"],
    )
    async def test_it_has_a_typed_outcome(
        self, given: bytes | None, failure: DeliveryFailure | None, status: int | None
    ) -> None:
        async with webhook_receiver(given) as receiver:
            got = await send(receiver)
        assert (got.failure, got.status_code) == (failure, status)

    async def test_nobody_there(self) -> None:
        async with webhook_receiver() as receiver:
            pass
        assert (await send(receiver)).failure is DeliveryFailure.UNREACHABLE

    async def test_only_the_beginning_of_a_body_is_read(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
        async with webhook_receiver(head + chunk * 1_000) as receiver:
            got = await send(receiver)
        assert (got.failure, got.response) == (None, "x" * RESPONSE_LIMIT)

    async def test_a_body_that_does_not_come_is_no_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "BODY_SECONDS", 0.05)
        async with webhook_receiver(OK.replace(b"Length: 6", b"Length: 60")) as receiver:
            assert await send(receiver) == DeliveryAnswer(None, "thanks", 200)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("120", 120),
            ("soon", None),
            ("-5", None),
            ("9" * 400, None),
        ],
        ids=["seconds", "word", "negative", "endless"],
    )
    async def test_when_to_come_again_is_understood(self, value: str, seconds: int | None) -> None:
        async with webhook_receiver(answer("503 Service Unavailable", f"Retry-After: {value}")) as receiver:
            got = await send(receiver)
        assert got.failure is DeliveryFailure.REFUSED
        assert got.retry_after == (None if seconds is None else timedelta(seconds=seconds))

    async def test_when_to_come_again_may_be_a_date(self) -> None:
        date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        async with webhook_receiver(answer("503 Service Unavailable", f"Retry-After: {date}")) as receiver:
            got = await send(receiver)
        assert got.retry_after == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=1))


class TestTls:
    @pytest.mark.parametrize(
        ("trusted", "failure"), [(True, None), (False, DeliveryFailure.TLS_FAILED)], ids=["trusted", "not"]
    )
    async def test_the_certificate_must_be_the_names_though_the_connection_goes_to_an_address(
        self, trusted: bool, failure: DeliveryFailure | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority = CertificateAuthority()
        if trusted:
            (tmp_path / "authority.pem").write_bytes(authority.certificate)
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        identity = authority.server(["hooks.example"], "127.0.0.9")
        (tmp_path / "server.pem").write_bytes(identity.certificate + identity.key)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(tmp_path / "server.pem")
        names: list[str | None] = []
        tls.sni_callback = lambda _socket, name, _context: names.append(name)
        async with webhook_receiver(tls=tls) as receiver:
            sender = Sender(settings(webhook_allow_http=False), KEY, timeout=2, resolve=here)
            got = await sender.send(delivery(f"https://hooks.example:{receiver.port}/"))
        assert (got.failure, len(receiver.received), names) == (failure, int(trusted), ["hooks.example"])
