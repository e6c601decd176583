"""Documents whose commands are run as they stand there."""

import asyncio
import os
import re
import sys
from pathlib import Path

from running_stack import RunningStack
from secapi_dev import paths


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


async def run_script(stack: RunningStack, script: str, directory: Path = paths.CHECKOUT, **environment: str) -> str:
    """What a shell script prints that somebody runs beside a running stack; it must succeed as a whole."""
    return await _run(stack, ("bash", "-euo", "pipefail", "-c", script), directory, environment)


async def run_python(stack: RunningStack, program: str) -> str:
    """The same for a Python program."""
    return await _run(stack, (sys.executable, "-c", program), paths.CHECKOUT, {})


async def _run(stack: RunningStack, command: tuple[str, ...], directory: Path, environment: dict[str, str]) -> str:
    facts = stack.facts
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={
            "PATH": f"{stack.kubectl_program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(stack.directory),
            "KUBECONFIG": facts["kubeconfig"],
            "SECAPI_URL": facts["apiUrl"],
            "SECAPI_API_KEY": facts["apiKey"],
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode() + output.decode()[-2000:]
    return output.decode()
