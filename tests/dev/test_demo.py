"""`make demo` end to end: real servers, real scanners, real findings."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

BUILT_IN = {"bandit", "semgrep", "detect-secrets", "sslyze", "ssh-audit"}


@pytest.mark.timeout(600)
async def test_the_demo_prints_findings_of_at_least_five_scanners_and_succeeds() -> None:
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "secapi-dev",
        "demo",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, progress = await process.communicate()
    assert process.returncode == 0, progress.decode()[-4000:]
    text = output.decode()
    assert {scanner for scanner in BUILT_IN if re.search(rf"{scanner}: [1-9]", text)} == BUILT_IN, text
    assert len(re.findall(r"^\S+ +Succeeded", text, re.MULTILINE)) == 3, text
