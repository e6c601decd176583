"""The README's commands, run as they stand there."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from running_stack import RunningStack
from secapi_dev import paths

README = (paths.CHECKOUT / "README.md").read_text()


@pytest.mark.timeout(300)
async def test_the_first_five_minutes_with_kubectl_work(stack: RunningStack) -> None:
    output = await _run(stack, _block("First five minutes with kubectl"))
    assert "scanrequest.secapi.dev/apiserver condition met" in output
    assert re.search(r"apiserver +Succeeded", output)


@pytest.mark.timeout(300)
async def test_the_first_five_minutes_with_rest_work(stack: RunningStack) -> None:
    output = await _run(stack, _block("First five minutes with REST"))
    assert '"phase":"Succeeded"' in output
    assert '"scanner":"bandit"' in output


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (paths.CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    documents = [
        paths.CHECKOUT / "README.md",
        paths.CHECKOUT / "CONTRIBUTING.md",
        *Path(paths.CHECKOUT / "docs").rglob("*.md"),
    ]
    named = {
        name for path in documents for name in re.findall(r"(?:`|^)make ([a-z0-9-]+)", path.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= targets


def _block(heading: str) -> str:
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block, f"the section {heading!r} has a shell block"
    return block[1]


async def _run(stack: RunningStack, script: str) -> str:
    facts = stack.facts
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=paths.CHECKOUT,
        env={
            "PATH": f"{stack.kubectl_program.parent}:{os.environ['PATH']}",
            "HOME": str(stack.directory),
            "KUBECONFIG": facts["kubeconfig"],
            "SECAPI_URL": facts["apiUrl"],
            "SECAPI_API_KEY": facts["apiKey"],
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode() + output.decode()[-2000:]
    return output.decode()
