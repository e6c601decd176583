"""The API's application in this process, with keys and clients for it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from openapi_conformance import conformance
from secapi_api.app import create_app
from secapi_api.resources import Resources
from secapi_api.settings import ApiSettings
from secapi_core.ledger.transitions.api_keys import create_api_key


class Api:
    """The application of one test, and clients that call it with keys of its own."""

    def __init__(self, app: FastAPI, settings: ApiSettings) -> None:
        self.app = app
        self.settings = settings

    @property
    def resources(self) -> Resources:
        resources: Resources = self.app.state.resources
        return resources

    async def key(self, role: str, namespace: str | None, scopes: Sequence[str] = ()) -> str:
        """The secret of a new key."""
        async with self.resources.ledger.transaction() as session:
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


@asynccontextmanager
async def running_api(settings: ApiSettings) -> AsyncIterator[Api]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Api(app, settings)


def scan_body(namespace: str, **changes: Any) -> dict[str, Any]:
    """A body for POST /v1/scans that is accepted; ``spec`` in ``changes`` replaces fields of the spec."""
    spec = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "web"}], **changes.pop("spec", {})}
    return {"namespace": namespace, "spec": spec, **changes}
