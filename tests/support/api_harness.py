"""The API's application in this process, with keys and clients for it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import make_url

from openapi_conformance import conformance
from secapi_api.app import create_app
from secapi_api.ledger import SYSTEM
from secapi_api.redis import SharedMemory
from secapi_api.resources import Resources
from secapi_api.settings import ApiSettings
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.api_keys import create_api_key
from secapi_core.scan_summaries import ScanSummaries
from secapi_dev.servers.postgres import OWNER


class Api:
    """The application of one test, and clients that call it with keys of its own.

    ``owner`` is the ledger as the operator and the workers have it, for what they would do.
    """

    def __init__(self, app: FastAPI, settings: ApiSettings, owner: Database) -> None:
        self.app = app
        self.settings = settings
        self.owner = owner

    @property
    def resources(self) -> Resources:
        resources: Resources = self.app.state.resources
        return resources

    async def key(self, role: str, namespace: str | None, scopes: Sequence[str] = ()) -> str:
        """The secret of a new key."""
        async with self.resources.ledger.transaction(SYSTEM) as session:
            issued = await create_api_key(
                session,
                name=f"{role} key",
                namespace=namespace,
                role=role,
                scopes=scopes,
                pepper=self.settings.pepper,
            )
        return issued.secret

    def anonymous(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A client without a key. What the OpenAPI document does not promise fails the test, and so does a defect."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=(address, 40_000)),
            base_url="http://api",
            event_hooks={"response": [conformance().check]},
        )

    async def client(self, role: str, namespace: str | None, *, scopes: Sequence[str] = ()) -> httpx.AsyncClient:
        """A client with a new key."""
        client = self.anonymous()
        client.headers["Authorization"] = f"Bearer {await self.key(role, namespace, scopes)}"
        return client


def owner_url(api_url: str) -> str:
    """Address of the API's database for who owns it."""
    return make_url(api_url).set(username=OWNER).render_as_string(hide_password=False)


@asynccontextmanager
async def running_api(settings: ApiSettings) -> AsyncIterator[Api]:
    app = create_app(settings)
    memory = SharedMemory(settings)
    address = SecretStr(owner_url(settings.database_url.get_secret_value()))
    others = settings.model_copy(update={"database_url": address})
    owner = Database(others, application="tests", changed=ScanSummaries(memory).put)
    try:
        async with app.router.lifespan_context(app):
            yield Api(app, settings, owner)
    finally:
        await owner.close()
        await memory.close()


def scan_body(namespace: str, **changes: Any) -> dict[str, Any]:
    """A body for POST /v1/scans that is accepted; ``spec`` in ``changes`` replaces fields of the spec."""
    spec = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "web"}], **changes.pop("spec", {})}
    return {"namespace": namespace, "spec": spec, **changes}
