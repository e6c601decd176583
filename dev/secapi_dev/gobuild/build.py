"""Build what is missing."""

from collections.abc import Sequence
from pathlib import Path

from secapi_dev.gobuild import toolchain
from secapi_dev.gobuild.program import GoProgram
from secapi_dev.locks import exclusive
from secapi_dev.processes.program import Command, run
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.progress import Progress


async def build_missing(programs: Sequence[GoProgram], progress: Progress) -> None:
    """Build those programs that are not in the cache; ``StackError`` with the compiler's words if that fails.

    They are of one module. Each appears in the cache complete or not at all, and two callers at once do not build the
    same one twice.
    """
    if all(program.built for program in programs):
        return
    [cache] = {program.module.cache() for program in programs}
    cache.mkdir(parents=True, exist_ok=True)
    async with (
        exclusive(cache / ".lock", progress, f"another build of {', '.join(program.name for program in programs)}"),
        temporary_state() as state,
    ):
        if missing := [program for program in programs if not program.built]:
            go = await toolchain.find_or_install(state, progress)
            for number, program in enumerate(missing, start=1):
                count = f"{number} of {len(missing)}, up to {program.seconds} s on two cores"
                async with progress.during(f"building {program.name} ({count})"):
                    await _build(go, program, state)


async def _build(go: Path, program: GoProgram, state: StateDirectory) -> None:
    draft = program.path.with_suffix(".part")
    options = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", program.linker_flags, "-o", str(draft)]
    argv = [str(go), "build", "-C", str(program.module.directory), *options, program.package]
    env = toolchain.environment() | {"TMPDIR": str(state.path)}  # an interrupted build leaves its work there
    await run(Command(name=f"build-{program.name}", argv=argv, env=env), state)
    draft.rename(program.path)
