"""SecAPI as a release on a real cluster, reached as its users reach it: by Helm, kubectl and a forwarded port."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from rendering import Object, options
from running_stack import states_once_ended
from secapi_dev import paths
from secapi_dev.charttools.templating import Helm
from secapi_dev.controlplane.kubectl import Kubectl
from waiting import until

NAME = "secapi"
WAIT = ("--timeout", "5m")
SCANNER = "secapi-e2e"
"""A word in the command line of every test scanner."""

# The command lines of all processes of a container; images have no ps.
_LIST_PROCESSES = """
import pathlib
for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    try:
        print(line.read_bytes().replace(b"\\0", b" ").decode())
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Release:
    """One installation; ``values`` are files, later ones win."""

    kubectl: Kubectl
    helm: Helm
    namespace: str
    values: tuple[Path, ...]

    async def install(self, settings: Mapping[str, object] | None = None) -> None:
        """Returns when every pod is ready; ``StackError`` has what Helm complains about."""
        await self._roll_out("install", settings or {})

    async def upgrade(self, settings: Mapping[str, object]) -> None:
        """Roll the release out again with single values over the files'; returns when every pod is ready."""
        await self._roll_out("upgrade", settings)

    async def uninstall(self) -> None:
        """Returns when the release's objects are gone."""
        await self.helm("uninstall", NAME, "--namespace", self.namespace, "--wait", *WAIT)

    async def test(self) -> str:
        """What ``helm test`` says."""
        return await self.helm("test", NAME, "--namespace", self.namespace, *WAIT)

    async def _roll_out(self, verb: str, settings: Mapping[str, object]) -> None:
        given = (*(argument for path in self.values for argument in ("--values", path)), *options(settings))
        await self.helm(verb, NAME, paths.CHART, "--namespace", self.namespace, "--wait", *WAIT, *given)

    async def get(self, kind: str, *arguments: str) -> list[Object]:
        """Objects of the release's namespace."""
        answer = await self.kubectl("get", kind, "--namespace", self.namespace, "--output=json", *arguments)
        found = json.loads(answer)
        items: list[Object] = found.get("items", [found])
        return items

    async def pods(self, component: str, pool: str = "") -> list[Object]:
        """The pods of a component that are not being deleted."""
        selector = f"app.kubernetes.io/component={component}" + (f",secapi.dev/pool={pool}" if pool else "")
        found = await self.get("pods", f"--selector={selector}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    async def delete_pod(self, name: str, *, grace: int | None = None) -> None:
        """Have a pod deleted, without waiting for its end; ``grace`` 0 kills it."""
        how = [] if grace is None else [f"--grace-period={grace}", *(["--force"] if grace == 0 else [])]
        await self.kubectl("delete", "pod", name, "--namespace", self.namespace, "--wait=false", *how)

    async def execute(self, resource: str, *command: str) -> str:
        """What a command in a container prints."""
        return await self.kubectl("exec", "--namespace", self.namespace, resource, "--", *command)

    async def secret(self, name: str) -> dict[str, str]:
        """The content of a Secret."""
        [found] = await self.get("secret", name)
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    async def make_api_key(self) -> str:
        """An administrator's key, as the installation's notes say."""
        command = ("secapi-api-key", "--name", "e2e", "--platform", "--role", "admin")
        return (await self.execute(f"deployment/{NAME}-api", *command)).strip()

    @asynccontextmanager
    async def forwarded(self, resource: str, port: int) -> AsyncIterator[int]:
        """The port of 127.0.0.1 that leads to a Service or a pod."""
        process = await asyncio.create_subprocess_exec(
            *(self.kubectl.program, "port-forward", "--namespace", self.namespace, "--address", "127.0.0.1"),
            *(resource, f":{port}"),
            env=self.kubectl.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        try:
            async with asyncio.timeout(30):
                line = (await process.stdout.readline()).decode()
            assert line.startswith("Forwarding from 127.0.0.1:"), f"port-forward of {resource} said {line!r}"
            yield int(line.split()[2].rpartition(":")[2])
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()

    @asynccontextmanager
    async def api(self, key: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the REST API."""
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            self.forwarded(f"service/{NAME}-api", 80) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
        ):
            yield client

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection to the ledger, which the tests run embedded."""
        url = urlsplit((await self.secret(f"{NAME}-embedded"))["databaseUrl"])
        async with self.forwarded(f"service/{NAME}-postgresql", 5432) as port:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=port, user=url.username, password=url.password, database=url.path[1:]
            )
            try:
                yield connection
            finally:
                await connection.close()

    async def settled(self, scans: Sequence[UUID], *, within: float) -> dict[UUID, str]:
        """Wait until every scan is terminal in the ledger; their states."""
        async with self.database() as db:
            return await until(lambda: states_once_ended(db, scans), within=within, every=0.2)

    async def scanning(self) -> Collection[str]:
        """Command lines of test scanners that run in any worker pod."""
        found: list[str] = []
        for pod in await self.pods("worker"):
            listing = await self.execute(f"pod/{pod['metadata']['name']}", "python3", "-c", _LIST_PROCESSES)
            found += [line for line in listing.splitlines() if SCANNER in line]
        return found

    async def logs(self, pod: Object) -> str:
        """Everything that a pod's containers have logged."""
        name = pod["metadata"]["name"]
        return await self.kubectl("logs", "--namespace", self.namespace, f"pod/{name}", "--all-containers")


def ready(pods: Sequence[Any]) -> list[Any]:
    """Those that are ready."""
    return [
        pod
        for pod in pods
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod.get("status", {}).get("conditions", [])
        )
    ]
