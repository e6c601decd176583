"""``/v1/sessions``."""

from secapi_client.connection import Connection
from secapi_client.models.sessions import Identity


class Sessions:
    """Who calls."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def current(self) -> Identity:
        """Whose key it is, and what it is good for."""
        return self._connection.get("/v1/sessions/current", Identity)
