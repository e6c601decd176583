"""uvicorn with what streams of events need: to be told when the process stops, and to be able to hang up."""

import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from secapi_api.resources import Resources
from secapi_api.scan_events.response import ABORT


class AbortableProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose requests may close their connection without waiting for the client."""

    def on_message_begin(self) -> None:
        """Offer it as an extension of ASGI."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


class Server(uvicorn.Server):
    """Serves one application."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        """``app`` is what ``config`` serves."""
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """A stream of events does not end by itself while requests under way are waited for."""
        resources: Resources = self._app.state.resources
        resources.scan_feed.end()
        await super().shutdown(sockets)
