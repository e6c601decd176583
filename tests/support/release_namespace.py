"""The namespace of the release that tests install on a cluster, and what must be in it before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from burst import report
from release import Release
from rendering import Object, manifest

NAMESPACE = "secapi-e2e"

_NAMESPACE: Object = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}
_REPORT: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "e2e-report", "namespace": NAMESPACE},
    "data": {"report.sarif": report()},
}


@asynccontextmanager
async def namespace(cluster: Release) -> AsyncIterator[None]:
    """Accepts restricted pods only, and has the report that test scanners print."""
    await cluster.kubectl("apply", "-f", "-", stdin=manifest(_NAMESPACE, _REPORT))
    try:
        yield
    finally:
        await cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
        await cluster.kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--request-timeout=0", "--timeout=3m")
