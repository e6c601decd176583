"""The programs, by what they are built from."""

from pathlib import Path

from secapi_dev.gobuild.build import build_missing
from secapi_dev.gobuild.program import GoModule, GoProgram
from secapi_dev.progress import Progress

_HELM = GoModule(Path(__file__).parent / "helm")

HELM = GoProgram(
    module=_HELM,
    name="helm",
    package="helm.sh/helm/v4/cmd/helm",
    seconds=180,
    variables={"helm.sh/helm/v4/internal/version.version": _HELM.version("helm.sh/helm/v4")},
)

_PROMETHEUS = GoModule(Path(__file__).parent / "promtool")

PROMTOOL = GoProgram(
    module=_PROMETHEUS,
    name="promtool",
    package="github.com/prometheus/prometheus/cmd/promtool",
    seconds=180,
    variables={"github.com/prometheus/common/version.Version": _PROMETHEUS.version("github.com/prometheus/prometheus")},
)

PROGRAMS = (HELM, PROMTOOL)


async def find_or_build(program: GoProgram, progress: Progress) -> Path:
    """Path of ``program``, which is built if it is not in the cache."""
    await build_missing([program], progress)
    return program.path
