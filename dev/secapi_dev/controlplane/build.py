"""Build the control plane's programs from the Go modules pinned in ``go.mod`` and ``go.sum``."""

from secapi_dev.controlplane import binaries
from secapi_dev.controlplane.binaries import MODULE, Binaries
from secapi_dev.gobuild.build import build_missing
from secapi_dev.gobuild.program import GoProgram
from secapi_dev.progress import Progress

# Name, package and seconds; whoever is first downloads.
PACKAGES = [
    ("etcd", "go.etcd.io/etcd/server/v3", 55),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl", 80),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", 230),
]


async def find_or_build(progress: Progress) -> Binaries:
    """Give the three programs, building those that are missing; ``StackError`` when one does not compile."""
    if found := binaries.find():
        return found
    version = _version()
    await build_missing(
        [
            GoProgram(module=MODULE, name=name, package=package, seconds=seconds, variables=version)
            for name, package, seconds in PACKAGES
        ],
        progress,
    )
    return Binaries.below(MODULE.cache())


def _version() -> dict[str, str]:
    """The variables from which Kubernetes programs know their version."""
    version = MODULE.version("k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    facts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in packages for name, value in facts.items()}
