"""The command line ``secapi`` as its users run it, with its own environment and settings.

A command runs within the test's process, which saves the second that Python needs to import it; what is about signals,
terminals, pipes and installed programs is a process of its own, and so is all that the guides show.
"""

import asyncio
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from secapi_client.command_line.main import run

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
    def _variables(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], **self.environment}

    @property
    def contexts(self) -> Path:
        """The file with servers and keys."""
        return self.home / ".config" / "secapi" / "contexts.json"

    async def __call__(self, *arguments: object, stdin: str = "") -> Ended:
        return await asyncio.to_thread(self._within, [str(argument) for argument in arguments], stdin)

    def _within(self, arguments: list[str], stdin: str) -> Ended:
        output, messages = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self._variables, clear=True),
            patch.object(sys, "stdin", io.StringIO(stdin)),
            redirect_stdout(output),
            redirect_stderr(messages),
        ):
            code = run("secapi", arguments)
        return Ended(code, output.getvalue(), messages.getvalue())

    async def process(self, *arguments: object, stdin: str = "") -> Ended:
        """The same as a process of its own."""
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
            env=self._variables,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
