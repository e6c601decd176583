"""The page itself, and the headers with which it may load what it needs and nothing else."""

from collections.abc import Mapping
from html import escape
from typing import Any

from secapi_api.documentation.assets import SCRIPT, START, STYLES, Asset

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Icons are in the style sheet.
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: nothing inline, nothing evaluated, nothing from or to anywhere else."""


def page(document: Mapping[str, Any]) -> str:
    """The page for an OpenAPI document; who runs no scripts sees its operations as a table."""
    title = escape(document["info"]["title"])
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{STYLES.address}" integrity="{STYLES.integrity}">
{_script(SCRIPT)}
{_script(START)}
</head>
<body>
<div id="operations"></div>
<noscript>
<h1>{title}</h1>
<p>Everything in detail: <a href="openapi.json">openapi.json</a></p>
<table>
{_rows(document)}
</table>
</noscript>
</body>
</html>
"""


def _script(asset: Asset) -> str:
    return f'<script defer src="{asset.address}" integrity="{asset.integrity}"></script>'


def _rows(document: Mapping[str, Any]) -> str:
    return "\n".join(
        f"<tr><td>{method.upper()}</td><td><code>{escape(path)}</code></td><td>{escape(operation['description'])}</td></tr>"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
