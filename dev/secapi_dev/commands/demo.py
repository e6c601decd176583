"""``secapi-dev demo``."""

import asyncio
import functools
import json
from shutil import which
from typing import Any

import httpx
from rich.console import Console

from secapi_dev import paths
from secapi_dev.components import secapi_components
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.demo import samples, show
from secapi_dev.demo.client import TERMINAL, Client
from secapi_dev.demo.host import demo_host
from secapi_dev.demo.source import archive
from secapi_dev.errors import StackError
from secapi_dev.processes.state import temporary_state
from secapi_dev.progress import Progress
from secapi_dev.stack import running_stack

NAMESPACE = "default"
SCAN_SECONDS = 300
POLL_SECONDS = 0.5
PIPE_COLUMNS = 140


def command() -> None:
    """Start everything, scan this source tree and a badly configured loopback host, show what was found, stop."""
    console = Console(highlight=False)
    asyncio.run(run(console if console.is_terminal else Console(highlight=False, width=PIPE_COLUMNS), Progress()))


async def run(console: Console, progress: Progress) -> None:
    """Run the demo to its end; ``StackError`` with one sentence when anything on the way fails."""
    plan = functools.partial(secapi_components, workers=2)
    async with (
        demo_host() as host,
        temporary_state() as state,
        running_stack(state, plan, progress) as stack,
        httpx.AsyncClient(
            base_url=stack.api_url, headers={"Authorization": f"Bearer {stack.api_key}"}, timeout=60
        ) as http,
    ):
        client = Client(http)
        kubectl = Kubectl((await find_or_build(progress)).kubectl, stack.kubeconfig)
        digest = await client.upload(NAMESPACE, archive(paths.CHECKOUT))
        missing = frozenset() if which("nmap") else frozenset({"nmap"})
        if missing:
            progress.say("nmap is not installed and is left out")
        manifests = samples.fill_in(samples.load(paths.SAMPLES), host=host, digest=digest, missing=missing)
        progress.say(await kubectl("apply", "-f", "-", stdin="\n".join(f"---\n{json.dumps(m)}" for m in manifests)))
        requested = dict.fromkeys(name for _, name in samples.scan_requests(manifests))
        scans = await _finished(client, set(requested), progress)
        for scan in scans:
            show.print_findings(console, scan["name"], await client.findings(scan["id"]))
        console.print(await kubectl("get", "scanrequests", "-n", NAMESPACE))
        _check(scans)


async def _finished(client: Client, names: set[str], progress: Progress) -> list[dict[str, Any]]:
    """Wait for the scans of these names, telling when a job changes; ``StackError`` when they take too long."""
    said: dict[str, str] = {}
    try:
        async with asyncio.timeout(SCAN_SECONDS):
            while True:
                scans = [scan for scan in await client.scans(NAMESPACE) if scan["name"] in names]
                for scan in scans:
                    line = show.progress_line(await client.jobs(scan["id"]))
                    if line and said.get(scan["name"]) != line:
                        said[scan["name"]] = line
                        progress.say(f"{scan['name']}: {line}")
                if len(scans) == len(names) and all(scan["phase"] in TERMINAL for scan in scans):
                    return scans
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise StackError(f"the scans did not finish within {SCAN_SECONDS} s; the last state was {said}") from None


def _check(scans: list[dict[str, Any]]) -> None:
    failed = [f"{scan['name']} is {scan['phase']}" for scan in scans if scan["phase"] != "Succeeded"]
    if failed:
        raise StackError(f"not every scan succeeded: {', '.join(failed)}")
