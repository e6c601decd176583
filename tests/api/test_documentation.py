"""``/docs``: whatever the page needs comes from the API itself, and a browser may load nothing else."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from api_harness import Api
from secapi_api.documentation.assets import ASSETS, START, STYLES, Asset, integrity_of
from secapi_api.documents import openapi_document

Element = tuple[str, dict[str, str | None]]


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text inside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.inline = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            self.inline += data

    def loaded(self) -> dict[str, str | None]:
        """Addresses of scripts and style sheets, each with its hash."""
        scripts = {attributes["src"]: attributes.get("integrity") for tag, attributes in self.found if tag == "script"}
        sheets = {
            attributes["href"]: attributes.get("integrity")
            for _, attributes in self.found
            if attributes.get("rel") == "stylesheet"
        }
        return {str(address): integrity for address, integrity in (scripts | sheets).items()}


@pytest.fixture
async def answer(api: Api) -> httpx.Response:
    return await api.anonymous().get("/docs")


@pytest.fixture
def elements(answer: httpx.Response) -> Elements:
    return Elements(answer.text)


async def test_the_page_loads_its_assets_from_here_and_they_are_what_it_says(api: Api, elements: Elements) -> None:
    loaded = elements.loaded()
    assert loaded == {asset.address: asset.integrity for asset in ASSETS}
    for asset in ASSETS:
        served = await api.anonymous().get(f"/{asset.address}")
        assert served.status_code == 200
        assert served.headers["Content-Type"] == f"{asset.media_type}; charset=utf-8"
        assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert served.content == asset.file.read_bytes()


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.file.name)
def test_an_asset_is_the_one_whose_hash_was_written_down(asset: Asset) -> None:
    assert integrity_of(asset.file) == asset.integrity, "look at what changed, then write down the new hash"


def test_the_page_has_nothing_inline_that_its_policy_would_have_to_allow(elements: Elements) -> None:
    assert elements.inline == ""
    for tag, attributes in elements.found:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes), tag


def test_a_browser_may_load_from_here_only_and_evaluate_nothing(answer: httpx.Response) -> None:
    policy = dict(directive.split(" ", 1) for directive in answer.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_neither_page_nor_styles_name_another_place(answer: httpx.Response, elements: Elements) -> None:
    references = {
        value for _, attributes in elements.found for name in ("src", "href") if (value := attributes.get(name))
    }
    assert references == {asset.address for asset in ASSETS} | {"openapi.json", "data:,"}
    styles = STYLES.file.read_text()
    assert "@import" not in styles
    assert all(address.startswith("data:") for address in re.findall(r"url\(['\"]?([^)'\"]*)", styles))


def test_nobody_is_asked_whether_the_document_is_valid() -> None:
    assert "validatorUrl: null" in START.file.read_text()


async def test_without_scripts_the_page_lists_every_operation(api: Api, answer: httpx.Response) -> None:
    document: dict[str, Any] = openapi_document(api.app)
    without_scripts = answer.text.partition("<noscript>")[2]
    assert all(f"<code>{path}</code>" in without_scripts for path in document["paths"])
