"""Lists over REST, page by page until the last."""

from typing import Any

import httpx


async def pages(client: httpx.AsyncClient, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """The items of each page."""
    found: list[list[dict[str, Any]]] = []
    while True:
        answer = await client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page["items"])
        if page["nextCursor"] is None:
            return found
        query["cursor"] = page["nextCursor"]


async def ids(client: httpx.AsyncClient, path: str, **query: Any) -> list[str]:
    """Ids on all pages."""
    return [item["id"] for page in await pages(client, path, **query) for item in page]
