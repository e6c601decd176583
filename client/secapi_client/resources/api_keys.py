"""``/v1/api-keys``."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from secapi_client.connection import Body, Connection
from secapi_client.models.api_keys import ApiKey, IssuedApiKey
from secapi_client.models.words import Role


class ApiKeys:
    """Keys for programs.

    What makes a key is sent only once: a repetition would make another one, and nobody would know of the first.
    """

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(self, *, namespace: str | None = None, active: bool = True, limit: int | None = None) -> Iterator[ApiKey]:
        """Newest first; without a namespace, of the whole platform. Only those that are good if ``active``."""
        return self._connection.items("/v1/api-keys", ApiKey, {"namespace": namespace, "active": active}, limit)

    def create(
        self,
        name: str,
        *,
        namespace: str | None,
        role: Role,
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> IssuedApiKey:
        """Make a key for one namespace, or for the whole platform if that is None. ``expires_at`` has a time zone."""
        body = {
            "name": name,
            "namespace": namespace,
            "role": role,
            "scopes": [*scopes],
            "expiresAt": expires_at.isoformat() if expires_at else None,
        }
        return self._connection.read(IssuedApiKey, self._connection.send("POST", "/v1/api-keys", body=Body(body)))

    def rotate(
        self, key_id: UUID, *, grace: timedelta = timedelta(), expires_at: datetime | None = None
    ) -> IssuedApiKey:
        """Exchange the key for another one that may do the same; the old one is good for ``grace`` longer."""
        body = {
            "graceSeconds": int(grace.total_seconds()),
            "expiresAt": expires_at.isoformat() if expires_at else None,
        }
        answer = self._connection.send("POST", f"/v1/api-keys/{key_id}/rotate", body=Body(body))
        return self._connection.read(IssuedApiKey, answer)

    def revoke(self, key_id: UUID) -> None:
        """Make the key worthless at once."""
        self._connection.delete(f"/v1/api-keys/{key_id}")
