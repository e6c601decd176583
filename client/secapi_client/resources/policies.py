"""``/v1/policies``."""

from collections.abc import Iterator

from secapi_client.connection import Connection
from secapi_client.models.custom_resources import Policy
from secapi_client.resources.paths import named


class Policies:
    """What namespaces may scan, and how much."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(self, *, namespace: str | None = None, limit: int | None = None) -> Iterator[Policy]:
        """By name; without a namespace, of the only one that the key is good for, or of all."""
        return self._connection.items("/v1/policies", Policy, {"namespace": namespace}, limit)

    def get(self, namespace: str, name: str) -> Policy:
        """One policy."""
        return self._connection.get(named("/v1/policies", namespace, name), Policy)
