"""The command line ``secapi`` as its users run it: a process of its own, with its own environment and settings."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    output: str
    messages: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


async def heard(process: asyncio.subprocess.Process, word: str) -> None:
    """Wait until the command says ``word`` on standard error."""
    assert process.stderr is not None
    said = b""
    while word.encode() not in said:
        said = await asyncio.wait_for(process.stderr.readline(), 30)
        assert said, f"it ended without saying {word!r}"


@dataclass(frozen=True)
class Secapi:
    """Calling it runs a command; nothing of the developer's own settings is seen by it."""

    home: Path
    environment: dict[str, str]

    def having(self, **environment: str) -> "Secapi":
        """With more variables; an empty one is left out."""
        merged = {**self.environment, **environment}
        return replace(self, environment={name: value for name, value in merged.items() if value})

    @property
    def contexts(self) -> Path:
        """The file with servers and keys."""
        return self.home / ".config" / "secapi" / "contexts.json"

    async def __call__(self, *arguments: object, stdin: str = "") -> Ended:
        process = await self.start(*arguments, stdin=asyncio.subprocess.PIPE)
        output, messages = await process.communicate(stdin.encode())
        assert process.returncode is not None
        ended = Ended(process.returncode, output.decode(), messages.decode())
        assert "Traceback" not in ended.messages, ended.messages
        return ended

    async def start(
        self,
        *arguments: object,
        program: str = "secapi",
        stdin: int | None = None,
        stdout: int = asyncio.subprocess.PIPE,
        stderr: int = asyncio.subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        """The running process."""
        return await asyncio.create_subprocess_exec(
            SCRIPTS / program,
            *map(str, arguments),
            env={"HOME": str(self.home), "PATH": os.environ["PATH"], **self.environment},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
