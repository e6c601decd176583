"""Secrets and signatures of webhooks, as Standard Webhooks has them (https://www.standardwebhooks.com). Pure.

No secret is stored: it is an HMAC of the webhook's id and the number of its secret under the platform's key, so API and
workers derive it whenever they need it, and the ledger alone signs nothing.
"""

import hmac
from base64 import b64encode
from uuid import UUID


def secret(key: bytes, webhook_id: UUID, version: int) -> str:
    """The webhook's secret number ``version``, as its receiver gets it."""
    return "whsec_" + b64encode(_derived(key, webhook_id, version)).decode()


def signed_headers(
    key: bytes, webhook_id: UUID, versions: list[int], *, event_id: UUID, timestamp: int, body: bytes
) -> dict[str, str]:
    """Headers that prove ``body``; one signature for each secret that the receiver may have by now.

    ``timestamp`` is when it is sent, in seconds since 1970: receivers refuse what is old, lest it be sent again by
    somebody else.
    """
    signed = f"{event_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(_derived(key, webhook_id, version), signed, "sha256") for version in versions]
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests),
    }


def _derived(key: bytes, webhook_id: UUID, version: int) -> bytes:
    return hmac.digest(key, f"secapi webhook {webhook_id} secret {version}".encode(), "sha256")
