"""What Standard Webhooks' own library verifies, and what it refuses."""

import json
import time
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from secapi_core.webhooks.signing import secret, signed_headers

KEY = b"a key of the platform"
ID, EVENT = uuid4(), uuid4()
BODY = json.dumps({"type": "scan.succeeded", "data": {}}).encode()


def headers(versions: list[int], timestamp: float | None = None) -> dict[str, str]:
    moment = int(time.time() if timestamp is None else timestamp)
    return signed_headers(KEY, ID, versions, event_id=EVENT, timestamp=moment, body=BODY)


def test_the_library_takes_what_is_signed_with_the_secret() -> None:
    assert Webhook(secret(KEY, ID, 1)).verify(BODY, headers([1])) == json.loads(BODY)
    assert headers([1])["webhook-id"] == str(EVENT)


@pytest.mark.parametrize("version", [1, 2])
def test_it_takes_either_secret_while_they_are_exchanged(version: int) -> None:
    assert Webhook(secret(KEY, ID, version)).verify(BODY, headers([2, 1]))


@pytest.mark.parametrize(
    "whsec", [secret(KEY, ID, 2), secret(KEY, uuid4(), 1), secret(b"another key", ID, 1)], ids=["old", "other", "key"]
)
def test_it_refuses_what_is_signed_with_another_secret(whsec: str) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(whsec).verify(BODY, headers([1]))


def test_it_refuses_another_body_and_an_old_one() -> None:
    verifier = Webhook(secret(KEY, ID, 1))
    with pytest.raises(WebhookVerificationError):
        verifier.verify(BODY + b" ", headers([1]))
    with pytest.raises(WebhookVerificationError):
        verifier.verify(BODY, headers([1], time.time() - 3_600))
