"""``secapi-dev manifests``."""

import asyncio

from secapi_dev import paths
from secapi_dev.chart.manifests import install_manifest
from secapi_dev.charttools.programs import HELM, find_or_build
from secapi_dev.charttools.templating import Helm
from secapi_dev.generated import Check, keep
from secapi_dev.progress import Progress


def command(check: Check = False) -> None:
    """Write manifests/install.yaml from the chart."""
    helm = Helm(asyncio.run(find_or_build(HELM, Progress())))
    manifest = asyncio.run(install_manifest(helm))
    keep(paths.MANIFESTS / "install.yaml", manifest.encode(), check=check, target="manifests")
