"""Where the control plane's programs come from: ``KUBEBUILDER_ASSETS``, the cache, or a build."""

import os
from dataclasses import dataclass
from pathlib import Path

from secapi_dev.errors import StackError
from secapi_dev.gobuild.program import GoModule

ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
MODULE = GoModule(Path(__file__).parent)


@dataclass(frozen=True)
class Binaries:
    """Paths of the three programs."""

    etcd: Path
    kube_apiserver: Path
    kubectl: Path

    @classmethod
    def below(cls, directory: Path) -> "Binaries":
        """Name the programs in ``directory``, whether they exist or not."""
        return cls(directory / "etcd", directory / "kube-apiserver", directory / "kubectl")

    @property
    def missing(self) -> list[Path]:
        """Those that are not there or may not be executed."""
        return [path for path in (self.etcd, self.kube_apiserver, self.kubectl) if not os.access(path, os.X_OK)]


def find() -> Binaries | None:
    """Find all three programs without building any; ``StackError`` when ``KUBEBUILDER_ASSETS`` lacks one."""
    if assets := os.environ.get(ASSETS_VARIABLE):
        binaries = Binaries.below(Path(assets))
        if binaries.missing:
            names = ", ".join(path.name for path in binaries.missing)
            raise StackError(f"{ASSETS_VARIABLE}={assets} has no executable {names}")
        return binaries
    binaries = Binaries.below(MODULE.cache())
    return None if binaries.missing else binaries
