"""What the page loads: Swagger UI as a package of the index brings it along, and the script that starts it.

The package (fastapi-offline, MIT) is pinned by hash like all others; none of its own code is run. The hashes here are
what a browser compares: it runs Swagger UI (Apache-2.0) only if it is the version they were taken of.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha384
from importlib.resources import files
from pathlib import Path

_SWAGGER_UI = Path(str(files("fastapi_offline") / "static"))
_START = Path(__file__).with_name("start.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the page loads; ``integrity`` is its hash, as the HTML attribute has it."""

    file: Path
    media_type: str
    integrity: str

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"/docs/{self.file.name}"

    @property
    def address(self) -> str:
        """Where the page finds it, from beside the page; another version has another address."""
        return f"docs/{self.file.name}?{self.integrity[7:19].replace('+', '-').replace('/', '_')}"


def integrity_of(file: Path) -> str:
    """The hash of what ``file`` holds now."""
    return f"sha384-{b64encode(sha384(file.read_bytes()).digest()).decode()}"


STYLES = Asset(
    _SWAGGER_UI / "swagger-ui.css",
    "text/css",
    "sha384-9Q2fpS+xeS4ffJy6CagnwoUl+4ldAYhOs9pgZuEKxypVModhmZFzeMlvVsAjf7uT",
)
# Swagger UI 5.32.6
SCRIPT = Asset(
    _SWAGGER_UI / "swagger-ui-bundle.js",
    "text/javascript",
    "sha384-EYdOaiRwn44zNjrw+Tfs06qYz9BGQVo2f4/pLY5i7VorbjnZNhdplAbTBk8FXHUJ",
)
START = Asset(_START, "text/javascript", integrity_of(_START))
ASSETS = (STYLES, SCRIPT, START)
