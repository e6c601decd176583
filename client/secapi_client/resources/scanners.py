"""``/v1/scanners``."""

from collections.abc import Iterator

from secapi_client.connection import Connection
from secapi_client.models.scanners import Scanner


class Scanners:
    """The catalogue."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(self) -> Iterator[Scanner]:
        """Every scanner, by name."""
        return self._connection.items("/v1/scanners", Scanner, {}, None)
