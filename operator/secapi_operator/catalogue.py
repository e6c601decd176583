"""The built-in catalogue: Scanner objects from a directory, applied by the leader.

So an upgrade brings new definitions, and one that was deleted or changed by hand comes back. Server-side apply leaves
alone what others add; to change how a built-in scanner runs, make a Scanner of another name in the same family.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
import yaml

from secapi_core.crds.base import API_VERSION
from secapi_core.crds.scanner import Scanner
from secapi_operator.kube import Kube

log = structlog.get_logger(__name__)

FIELD_MANAGER = "secapi-catalogue"


async def apply_catalogue(kube: Kube, directory: Path) -> None:
    """Apply every ``*.yaml`` of ``directory``, one Scanner each; raises what the apiserver refuses."""
    manifests = await asyncio.to_thread(_read, directory)
    for manifest in manifests:
        await kube.request(
            "PATCH",
            f"/apis/{API_VERSION}/{Scanner.PLURAL}/{manifest['metadata']['name']}",
            kind=Scanner.KIND,
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=manifest,
            # JSON is YAML; there is no such type with json in its name.
            content_type="application/apply-patch+yaml",
        )
    log.info("catalogue applied", scanners=[manifest["metadata"]["name"] for manifest in manifests])


def _read(directory: Path) -> list[Mapping[str, Any]]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.yaml"))]
