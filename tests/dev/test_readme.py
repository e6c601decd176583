"""The README's commands, run as they stand there."""

import re
from pathlib import Path

import pytest

from documents import blocks, run_script, section
from running_stack import RunningStack
from secapi_dev import paths

README = (paths.CHECKOUT / "README.md").read_text()


@pytest.mark.timeout(300)
async def test_the_first_five_minutes_with_kubectl_work(stack: RunningStack) -> None:
    output = await run_script(stack, _block("First five minutes with kubectl"))
    assert "scanrequest.secapi.dev/apiserver condition met" in output
    assert re.search(r"apiserver +Succeeded", output)


@pytest.mark.timeout(300)
async def test_the_first_five_minutes_with_rest_work(stack: RunningStack) -> None:
    output = await run_script(stack, _block("First five minutes with REST"))
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
    (block,) = blocks(section(README, heading), "sh")
    return block
