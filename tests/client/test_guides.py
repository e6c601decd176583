"""The client's guides: their commands are run as they stand there."""

import shutil
from pathlib import Path

import pytest
import yaml

from documents import blocks, run_python, run_script
from running_stack import RunningStack
from secapi_client.command_line.outcomes import ExitCode
from secapi_dev import paths
from secapi_dev.ports import Ports

GUIDES = paths.CHECKOUT / "docs" / "guides"
CLIENT, GATE, REST, WEBHOOKS = (
    (GUIDES / f"{name}.md").read_text() for name in ("client", "ci-gate", "rest", "webhooks")
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the guides scan, in a directory that they may write to."""
    for folder in ("api", "core", "manifests"):
        shutil.copytree(paths.CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def server(stack: RunningStack) -> dict[str, str]:
    """What a pipeline is given."""
    return {"SECAPI_SERVER": stack.facts["apiUrl"], "SECAPI_TOKEN": stack.facts["apiKey"]}


@pytest.mark.timeout(300)
async def test_five_minutes_with_the_command_line_work(stack: RunningStack, checkout: Path) -> None:
    output = await run_script(stack, "".join(blocks(CLIENT, "sh")), checkout)
    assert "Succeeded" in output
    assert "Cancelled" in output
    assert "createScan" in output
    assert (checkout / "ci.key").read_text().startswith("sk_")


@pytest.mark.timeout(300)
async def test_the_gate_of_the_guide_works(stack: RunningStack, checkout: Path, server: dict[str, str]) -> None:
    output = await run_script(stack, "".join(blocks(GATE, "sh")), checkout, **server)
    assert "passed" in output
    assert (checkout / "findings.json").exists()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("system", ["gitlab", "github"])
async def test_the_pipelines_of_the_guide_work(
    stack: RunningStack, checkout: Path, server: dict[str, str], system: str
) -> None:
    gitlab, github = (
        yaml.safe_load(block)["secapi" if "image:" in block else "jobs"] for block in blocks(GATE, "yaml")
    )
    if system == "gitlab":
        variables, scripts = gitlab["variables"], gitlab["script"]
    else:
        job = github["secapi"]
        variables = job["env"]
        scripts = [step["run"] for step in job["steps"] if step.get("name") == "Scan"]
        assert {"SECAPI_SERVER", "SECAPI_TOKEN"} <= set(variables)
    environment = variables | server
    assert "passed" in await run_script(stack, "\n".join(scripts), checkout, **environment)


@pytest.mark.timeout(300)
async def test_rest_with_curl_works(stack: RunningStack) -> None:
    output = await run_script(stack, "".join(blocks(REST, "sh")))
    assert '"phase": "Succeeded"' in output


@pytest.mark.timeout(300)
async def test_rest_with_python_works(stack: RunningStack) -> None:
    (program,) = blocks(REST, "python")
    output = (await run_python(stack, program)).splitlines()
    assert output[0].startswith("Succeeded ")
    assert output[-1].startswith("422 ['/spec/targets/0/url'] ")


@pytest.mark.timeout(300)
async def test_webhooks_with_curl_and_python_work(stack: RunningStack, ports: Ports, tmp_path: Path) -> None:
    port = str(ports.reserve())
    (receiver,) = blocks(WEBHOOKS, "python")
    (tmp_path / "receiver.py").write_text(receiver.replace("8900", port))
    output = await run_script(stack, "".join(blocks(WEBHOOKS, "sh")).replace("8900", port), tmp_path)
    assert "\nscan.succeeded Succeeded {" in output
    assert output.rstrip().rpartition("\n")[2].startswith("whsec_")


def test_the_guide_has_every_exit_code() -> None:
    table = CLIENT.split("## Exit codes\n", 1)[1]
    assert [int(line.split("|")[1]) for line in table.splitlines() if line[:3].strip("| ").isdigit()] == list(ExitCode)
