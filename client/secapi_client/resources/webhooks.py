"""``/v1/webhooks``."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from secapi_client.connection import Body, Connection
from secapi_client.models.webhooks import Delivery, IssuedWebhook, Webhook
from secapi_client.resources.changes import repeated


class Webhooks:
    """Addresses that are told of what happens, and what they were told.

    What makes something is sent only once: a repetition would make another one.
    """

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(self, *, namespace: str | None = None, limit: int | None = None) -> Iterator[Webhook]:
        """Newest first; without a namespace, of the whole platform."""
        return self._connection.items("/v1/webhooks", Webhook, {"namespace": namespace}, limit)

    def create(self, url: str, *, namespace: str, events: Sequence[str], description: str = "") -> IssuedWebhook:
        """Have ``url`` told of ``events`` in a namespace; the answer has the secret to verify them by."""
        body = {"namespace": namespace, "url": url, "events": [*events], "description": description}
        return self._connection.read(IssuedWebhook, self._connection.send("POST", "/v1/webhooks", body=Body(body)))

    def get(self, webhook_id: UUID) -> Webhook:
        """One webhook."""
        return self._connection.get(f"/v1/webhooks/{webhook_id}", Webhook)

    def enable(self, webhook_id: UUID) -> Webhook:
        """Tell it again of what happens from now on; what failed before is forgiven."""
        return self._change(webhook_id, enabled=True)

    def disable(self, webhook_id: UUID) -> Webhook:
        """Tell it nothing any more; what is due to it ends without being sent."""
        return self._change(webhook_id, enabled=False)

    def _change(self, webhook_id: UUID, **changes: object) -> Webhook:
        path = f"/v1/webhooks/{webhook_id}"

        def attempt() -> Webhook:
            headers = {"If-Match": self._connection.send("GET", path).headers["ETag"]}
            answer = self._connection.send("PATCH", path, body=Body(changes), headers=headers, repeatable=True)
            return self._connection.read(Webhook, answer)

        return repeated(attempt)

    def rotate_secret(self, webhook_id: UUID, *, grace: timedelta = timedelta(days=1)) -> IssuedWebhook:
        """Exchange the secret; for ``grace``, everything is signed with the old one as well."""
        body = Body({"graceSeconds": int(grace.total_seconds())})
        answer = self._connection.send("POST", f"/v1/webhooks/{webhook_id}/rotate-secret", body=body)
        return self._connection.read(IssuedWebhook, answer)

    def ping(self, webhook_id: UUID) -> Delivery:
        """Have ``webhook.ping`` sent."""
        return self._connection.read(Delivery, self._connection.send("POST", f"/v1/webhooks/{webhook_id}/ping"))

    def delete(self, webhook_id: UUID) -> None:
        """Forget the webhook and what it was told."""
        self._connection.delete(f"/v1/webhooks/{webhook_id}")

    def deliveries(
        self, webhook_id: UUID, *, state: str | None = None, event: str | None = None, limit: int | None = None
    ) -> Iterator[Delivery]:
        """What the webhook was told, newest first."""
        parameters = {"state": state, "event": event}
        return self._connection.items(f"/v1/webhooks/{webhook_id}/deliveries", Delivery, parameters, limit)

    def replay(self, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Send an event again, under the same ``webhook-id``."""
        path = f"/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"
        return self._connection.read(Delivery, self._connection.send("POST", path))
