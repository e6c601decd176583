"""The entry point of the library."""

from types import TracebackType
from typing import Self

from secapi_client.connection import Connection, OnRetry
from secapi_client.models.server import ServerDocument
from secapi_client.resources.api_keys import ApiKeys
from secapi_client.resources.artifacts import Artifacts
from secapi_client.resources.audit import AuditEvents
from secapi_client.resources.dead_letters import DeadLetters
from secapi_client.resources.policies import Policies
from secapi_client.resources.scanners import Scanners
from secapi_client.resources.scans import Scans
from secapi_client.resources.schedules import Schedules
from secapi_client.resources.sessions import Sessions
from secapi_client.resources.webhooks import Webhooks
from secapi_client.retries import Retries


class Client:
    """One server and one API key, with connections that are kept and shared.

    Blocking, and safe to use from several threads; from asyncio, call it with ``asyncio.to_thread``. Every method
    raises :class:`secapi_client.SecapiError`. Close it, or use it in a ``with`` statement.
    """

    def __init__(
        self,
        server: str,
        token: str | None,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        on_retry: OnRetry | None = None,
    ) -> None:
        """``server`` is its URL, ``token`` the API key (``sk_…``), ``timeout`` the seconds of silence to endure.

        ``on_retry`` hears of every request that is about to be sent again. Raises ValueError for an address or a key
        that cannot be one.
        """
        self._connection = Connection(server, token, timeout=timeout, retries=retries or Retries(), on_retry=on_retry)
        self.api_keys = ApiKeys(self._connection)
        self.artifacts = Artifacts(self._connection)
        self.audit_events = AuditEvents(self._connection)
        self.dead_letters = DeadLetters(self._connection)
        self.policies = Policies(self._connection)
        self.scanners = Scanners(self._connection)
        self.scans = Scans(self._connection)
        self.schedules = Schedules(self._connection)
        self.sessions = Sessions(self._connection)
        self.webhooks = Webhooks(self._connection)

    @property
    def server(self) -> str:
        """The server's URL."""
        return self._connection.server

    def server_version(self) -> str:
        """Of the server's SecAPI; needs no key."""
        return self._connection.get("/openapi.json", ServerDocument).info.version

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def __repr__(self) -> str:
        """Without the key."""
        return f"Client({self.server!r})"
