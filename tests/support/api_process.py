"""The API as its own process, on a real socket, as it is installed."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from openapi_conformance import conformance
from secapi_api.settings import ApiSettings
from secapi_dev.ports import Ports
from waiting import until


@dataclass
class Server:
    """A running ``secapi-api``; ``log`` is its standard error."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    def client(self, **options: float) -> httpx.AsyncClient:
        """A client without a key."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=options.get("timeout", 20.0),
            event_hooks={"response": [conformance().check_as_it_comes]},
        )

    async def metric(self, name: str) -> float:
        """A sample of ``/metrics``, named with its labels."""
        async with self.client() as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return float(next(line.removeprefix(name) for line in lines if line.startswith(f"{name} ")))


@contextlib.asynccontextmanager
async def running_server(
    settings: ApiSettings, ports: Ports, directory: Path, **tuning: float
) -> AsyncIterator[Server]:
    """Until the block ends; of what ``settings`` say about tuning, only what is given as ``tuning`` holds."""
    port, log = ports.reserve(), directory / "api.log"
    environment = {
        **os.environ,
        "SECAPI_DATABASE_URL": settings.database_url.get_secret_value(),
        "SECAPI_REDIS_URL": settings.redis_url.get_secret_value(),
        "SECAPI_API_KEY_PEPPER": settings.api_key_pepper.get_secret_value(),
        "SECAPI_ARTIFACT_URL": settings.artifact_url,
        "SECAPI_API_PORT": str(port),
        "SECAPI_API_SHUTDOWN_TIMEOUT": "5",
        # Other tests' guesses come from the same address, and may be in the same Redis.
        "SECAPI_API_REFUSED_CREDENTIALS_PER_MINUTE": "10000",
        "KUBECONFIG": str(settings.kubeconfig),
        **{f"SECAPI_API_{name.upper()}": str(value) for name, value in tuning.items()},
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "secapi-api", env=environment, stderr=output
        )
    started = Server(process, port, log)
    try:
        async with started.client() as client:

            async def ready() -> bool:
                assert process.returncode is None, log.read_text()
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get("/readyz")).status_code == 200
                return False

            await until(ready, within=120, every=0.1)
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
