"""``/docs``, and below it what the page loads."""

from collections.abc import Awaitable, Callable
from functools import cache

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse

from secapi_api.documentation.assets import ASSETS, Asset
from secapi_api.documentation.page import POLICY, page
from secapi_api.documents import openapi_document

# The page names another address when the file changes.
FOR_EVER = "public, max-age=31536000, immutable"


def install(app: FastAPI) -> None:
    """Serve the page and its files; none needs a key."""

    @cache
    def content() -> str:
        return page(openapi_document(app))

    @app.get("/docs", include_in_schema=False)
    async def get_documentation() -> Response:
        return Response(content(), media_type="text/html", headers={"Content-Security-Policy": POLICY})

    for asset in ASSETS:
        app.add_api_route(asset.path, _served(asset), include_in_schema=False)


def _served(asset: Asset) -> Callable[[], Awaitable[FileResponse]]:
    async def get_documentation_asset() -> FileResponse:
        return FileResponse(asset.file, media_type=asset.media_type, headers={"Cache-Control": FOR_EVER})

    return get_documentation_asset
