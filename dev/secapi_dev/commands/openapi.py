"""``secapi-dev openapi``."""

from typing import Annotated

import orjson
import typer

from secapi_api.app import create_app
from secapi_api.documents import openapi_document
from secapi_api.settings import ApiSettings
from secapi_dev import paths
from secapi_dev.errors import StackError
from secapi_dev.progress import Progress

DOCUMENT = paths.CHECKOUT / "docs" / "reference" / "openapi.json"


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file is not what would be written.")
    ] = False,
) -> None:
    """Write docs/reference/openapi.json from the API's routes and models."""
    wanted = generated()
    current = DOCUMENT.exists() and DOCUMENT.read_bytes() == wanted
    if check and not current:
        raise StackError("docs/reference/openapi.json is not what the API says; run secapi-dev openapi")
    if not current:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_bytes(wanted)
    Progress().say(f"docs/reference/openapi.json: {'unchanged' if current else 'written'}")


def generated() -> bytes:
    """The document as it is kept: indented, its keys in a stable order. Nothing is started or contacted."""
    settings = ApiSettings(database_url="postgresql://nowhere", api_key_pepper="for the document only")
    document = openapi_document(create_app(settings))
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
