"""The few REST calls of the demo."""

from dataclasses import dataclass
from typing import Any

import httpx

from secapi_dev.errors import StackError

TERMINAL = frozenset({"Succeeded", "Failed", "Cancelled"})


@dataclass(frozen=True, slots=True)
class Client:
    """Wraps an HTTP client that carries the API key; every method raises ``StackError`` with the API's own words."""

    http: httpx.AsyncClient

    async def upload(self, namespace: str, content: bytes) -> str:
        """Store a source archive; its digest."""
        answer = await self._call("POST", "/v1/artifacts", params={"namespace": namespace}, content=content)
        return str(answer["digest"])

    async def scans(self, namespace: str) -> list[dict[str, Any]]:
        """The namespace's newest scans."""
        answer = await self._call("GET", "/v1/scans", params={"namespace": namespace, "limit": 200})
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def jobs(self, scan: str) -> list[dict[str, Any]]:
        """A scan's jobs."""
        answer = await self._call("GET", f"/v1/scans/{scan}/jobs")
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def findings(self, scan: str) -> list[dict[str, Any]]:
        """All of a scan's findings, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._call(
                "GET", f"/v1/scans/{scan}/findings", params={"limit": 200} | ({"cursor": cursor} if cursor else {})
            )
            found += page["items"]
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = await self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise StackError(f"the API did not answer {method} {path}: {error!r}") from error
        if response.is_error:
            raise StackError(f"the API refused {method} {path}: {response.text}")
        answer: dict[str, Any] = response.json()
        return answer
