"""``secapi-dev openapi``."""

import orjson

from secapi_api.app import create_app
from secapi_api.documents import openapi_document
from secapi_api.settings import ApiSettings
from secapi_dev import paths
from secapi_dev.generated import Check, keep

DOCUMENT = paths.CHECKOUT / "docs" / "reference" / "openapi.json"


def command(check: Check = False) -> None:
    """Write docs/reference/openapi.json from the API's routes and models."""
    keep(DOCUMENT, generated(), check=check, target="openapi")


def generated() -> bytes:
    """The document as it is kept: indented, its keys in a stable order. Nothing is started or contacted."""
    settings = ApiSettings(
        database_url="postgresql://nowhere",
        redis_url="redis://nowhere",
        artifact_url="memory:///",
        api_key_pepper="for the document only",
    )
    document = openapi_document(create_app(settings))
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
