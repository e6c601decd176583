"""What a cluster must hold before SecAPI's components start: resource types, catalogue, one identity per component."""

import asyncio
import json
from pathlib import Path

from secapi_dev import paths
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.pki import write_kubeconfig

RBAC = Path(__file__).parents[1] / "rbac"
NAMESPACE = "secapi-system"
OFFER_SECONDS = 30
GROUP = "secapi.dev"  # as in secapi_core.crds.base, whose import would take longer than all of this
TOKEN_LIFETIME = "168h"  # noqa: S105 - a duration; a development session may last for days


async def install_types(kubectl: Kubectl) -> None:
    """Apply the namespace, the identities with their rights, and the CRDs; returns when these are served."""
    crds = [paths.CRDS] if any(paths.CRDS.glob("*.yaml")) else []
    await kubectl.apply(RBAC / "namespace.yaml", RBAC, *crds)  # in this order: what is in the namespace comes after it
    if crds:
        await kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", paths.CRDS)
        await _until_offered(kubectl)


async def _until_offered(kubectl: Kubectl) -> None:
    """Wait until the server lists the types among what it offers, a moment after they are established.

    Asking also renews what kubectl remembers of that, in which it looks up short names.
    """
    wanted = len(list(paths.CRDS.glob("*.yaml")))
    async with asyncio.timeout(OFFER_SECONDS):
        while len((await kubectl("api-resources", f"--api-group={GROUP}", "--no-headers")).splitlines()) < wanted:
            await asyncio.sleep(0.1)


async def install_catalogue(kubectl: Kubectl) -> None:
    """Apply the built-in ``Scanner`` objects."""
    if any(paths.CATALOGUE.glob("*.yaml")):
        await kubectl.apply(paths.CATALOGUE)


async def write_identity(kubectl: Kubectl, service_account: str, path: Path) -> Path:
    """Write the kubeconfig of a ServiceAccount: the cluster as the administrator reaches it, and a fresh token."""
    view = json.loads(await kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json"))
    token = await kubectl("create", "token", service_account, "-n", NAMESPACE, f"--duration={TOKEN_LIFETIME}")
    return write_kubeconfig(
        path, cluster=view["clusters"][0]["cluster"], user={"token": token.strip()}, namespace=NAMESPACE
    )
