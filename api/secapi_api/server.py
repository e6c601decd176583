"""uvicorn with what streams of events need: to be told when the process stops."""

import socket

import uvicorn
from fastapi import FastAPI

from secapi_api.resources import Resources


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
