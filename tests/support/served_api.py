"""The API of this process behind a real socket: what streams, and who stops reading, does not show without one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn

from api_harness import Api, running_api
from openapi_conformance import conformance
from secapi_api.protocol import bounded_protocol
from secapi_api.server import Server
from secapi_api.settings import ApiSettings
from waiting import until


@dataclass
class ServedApi:
    """An application, and where it is served."""

    api: Api
    port: int

    async def client(self, role: str, namespace: str | None) -> httpx.AsyncClient:
        """A client with a new key that waits as long as a stream does."""
        return self.holding(await self.api.key(role, namespace))

    def holding(self, key: str) -> httpx.AsyncClient:
        """A client with this key."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            limits=httpx.Limits(max_connections=None),
            event_hooks={"response": [conformance().check_as_it_comes]},
        )


@asynccontextmanager
async def served_api(settings: ApiSettings) -> AsyncIterator[ServedApi]:
    """Serve on a free port until the block ends."""
    async with running_api(settings) as api:
        config = uvicorn.Config(
            api.app,
            port=0,
            http=bounded_protocol(settings.tuning),
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=5,
        )
        server = Server(config, api.app)
        serving = asyncio.create_task(server._serve())  # serve() would take this process's signals
        await until(lambda: server.started)
        try:
            yield ServedApi(api, server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await serving
