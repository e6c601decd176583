"""The manifests of ``manifests/samples``, with the few values that only a running demo knows put in."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from secapi_dev.demo.host import DemoHost

Manifest = dict[str, Any]


def load(directory: Path) -> list[Manifest]:
    """Every document of every file, in the files' order."""
    return [
        document
        for path in sorted(directory.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document
    ]


def fill_in(manifests: list[Manifest], *, host: DemoHost, digest: str, missing: frozenset[str]) -> list[Manifest]:
    """Point artifacts at the uploaded one and loopback targets at the demo's host; leave ``missing`` scanners out."""
    return [_filled(manifest, host, digest, missing) for manifest in manifests]


def scan_requests(manifests: list[Manifest]) -> Iterator[tuple[str, str]]:
    """Namespace and name of each ScanRequest."""
    for manifest in manifests:
        if manifest["kind"] == "ScanRequest":
            yield manifest["metadata"].get("namespace", "default"), manifest["metadata"]["name"]


def _filled(manifest: Manifest, host: DemoHost, digest: str, missing: frozenset[str]) -> Manifest:
    if manifest["kind"] != "ScanRequest":
        return manifest
    spec = manifest["spec"]
    return manifest | {
        "spec": spec
        | {
            "targets": [_filled_target(target, host, digest) for target in spec["targets"]],
            "scanners": [use for use in spec["scanners"] if use["name"] not in missing],
        }
    }


def _filled_target(target: Mapping[str, Any], host: DemoHost, digest: str) -> Mapping[str, Any]:
    if "artifact" in target:
        return {"artifact": target["artifact"] | {"digest": digest}}
    if "url" in target:
        return {"url": host.url}
    return {"host": target["host"] | {"ports": str(host.ssh_port)}}
