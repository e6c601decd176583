"""Build the control plane's programs from the Go modules pinned in ``go.mod`` and ``go.sum``, once per pin."""

import re
from pathlib import Path

from secapi_dev.controlplane import binaries, toolchain
from secapi_dev.controlplane.binaries import MODULE, Binaries
from secapi_dev.locks import exclusive
from secapi_dev.processes.program import Command, run
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.progress import Progress

# Seconds on two cores with nothing downloaded or compiled yet, for the progress line; whoever is first downloads.
PACKAGES = {
    "etcd": ("go.etcd.io/etcd/server/v3", 55),
    "kubectl": ("k8s.io/kubernetes/cmd/kubectl", 80),
    "kube-apiserver": ("k8s.io/kubernetes/cmd/kube-apiserver", 230),
}


async def find_or_build(progress: Progress) -> Binaries:
    """Give the three programs, building those that are missing; ``StackError`` with the compiler's words if that fails.

    Programs appear in the cache complete or not at all, and two callers at once do not build the same one twice.
    """
    if found := binaries.find():
        return found
    directory = binaries.cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    cached = Binaries.below(directory)
    async with (
        exclusive(directory / ".lock", progress, "another build of the control plane"),
        temporary_state() as state,
    ):
        if missing := cached.missing:
            go = await toolchain.find_or_install(state, progress)
            for number, program in enumerate(missing, start=1):
                package, seconds = PACKAGES[program.name]
                what = f"building {program.name} ({number} of {len(missing)}, up to {seconds} s on two cores)"
                async with progress.during(what):
                    await _build(go, package, program, state)
    return cached


async def _build(go: Path, package: str, program: Path, state: StateDirectory) -> None:
    draft = program.with_suffix(".part")
    options = ["-C", str(MODULE), "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", _ldflags()]
    argv = [str(go), "build", *options, "-o", str(draft), package]
    env = toolchain.environment() | {"TMPDIR": str(state.path)}  # an interrupted build leaves its work there
    await run(Command(name=f"build-{program.name}", argv=argv, env=env), state)
    draft.rename(program)


def _ldflags() -> str:
    """Linker flags that strip the program and tell it its version, which ``go build`` of a dependency does not."""
    match = re.search(r"^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)\b", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert match, "go.mod pins k8s.io/kubernetes"  # noqa: S101 - a broken checkout, not an input
    facts = {"gitVersion": match[1], "gitMajor": match[2], "gitMinor": match[3], "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(
        ["-s -w", *(f"-X {package}.{name}={value}" for package in packages for name, value in facts.items())]
    )
