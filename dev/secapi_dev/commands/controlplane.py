"""``secapi-dev controlplane``."""

import asyncio

from secapi_dev.controlplane.build import find_or_build
from secapi_dev.progress import Progress


def command() -> None:
    """Build etcd, kube-apiserver and kubectl unless they are there."""
    progress = Progress()
    binaries = asyncio.run(find_or_build(progress))
    progress.say(f"control plane: {binaries.etcd.parent}")
