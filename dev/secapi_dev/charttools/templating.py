"""Helm, with one kubeconfig or for what needs no cluster."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from secapi_dev.errors import StackError
from secapi_dev.processes.program import base_environment


@dataclass(frozen=True)
class Helm:
    """Call it with Helm's arguments."""

    program: Path
    kubeconfig: Path | None = None

    async def __call__(self, *arguments: str | Path) -> str:
        """Run Helm to its end; what it printed. Raises ``StackError`` with its complaint when it fails."""
        process = await asyncio.create_subprocess_exec(
            *(self.program, *arguments),
            env=base_environment() | ({"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, complaint = await process.communicate()
        if process.returncode:
            raise StackError(f"helm {' '.join(map(str, arguments))} failed: {(output + complaint).decode().strip()}")
        return output.decode()

    async def template(self, chart: Path, *values: Path, release: str, namespace: str, options: list[str]) -> str:
        """The objects of a release as YAML documents; later files of ``values`` win, ``options`` are Helm's own."""
        files = [argument for path in values for argument in ("--values", path)]
        return await self("template", release, chart, "--namespace", namespace, *files, *options)
