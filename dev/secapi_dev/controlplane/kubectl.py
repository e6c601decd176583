"""kubectl with one kubeconfig, as people use it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from secapi_dev.errors import StackError
from secapi_dev.processes.program import base_environment


@dataclass(frozen=True)
class Kubectl:
    """Call it with kubectl's arguments."""

    program: Path
    kubeconfig: Path

    async def __call__(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run kubectl to its end; what it printed. Raises ``StackError`` with its complaint when it fails."""
        process = await asyncio.create_subprocess_exec(
            *(self.program, "--request-timeout=30s", *arguments),
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, complaint = await process.communicate(stdin.encode())
        if process.returncode:
            raise StackError(f"kubectl {' '.join(map(str, arguments))} failed: {complaint.decode().strip()}")
        return output.decode()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which kubectl finds the cluster."""
        return base_environment() | {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self._cache)}

    @property
    def _cache(self) -> Path:
        """Where kubectl remembers what the server offers: ``~/.kube/cache`` for ``~/.kube/config``, like kubectl."""
        return self.kubeconfig.parent / "cache"

    async def apply(self, *paths: Path) -> None:
        """Apply manifests, or all of a directory, on the server's side, taking over fields that others set."""
        files = [argument for path in paths for argument in ("-f", path)]
        await self("apply", "--server-side", "--force-conflicts", "--field-manager=secapi-dev", *files)
