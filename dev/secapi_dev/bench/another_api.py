"""API processes beside the stack's own: on another ledger, or with other bounds, or to have two of them."""

import resource
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, replace

from secapi_dev.bench.laboratory import Laboratory
from secapi_dev.bench.load import Connection, connected
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import running
from secapi_dev.servers.api_keys import create_admin_key


@dataclass(frozen=True, slots=True)
class AnotherApi:
    """A process of its own, and a key of its own for it."""

    url: str
    api_key: str
    pid: int

    def clients(self, count: int = 1) -> AbstractAsyncContextManager[list[Connection]]:
        """Connections to it, which carry its key."""
        return connected(self.url, count=count, api_key=self.api_key)


@asynccontextmanager
async def another_api(
    lab: Laboratory, name: str, database_url: str | None = None, redis_url: str | None = None, **tuning: int
) -> AsyncIterator[AnotherApi]:
    """An API like the stack's; ``tuning`` by the names of :class:`secapi_api.settings.Tuning`."""
    _allow_many_files()
    described, database_url = lab.components.api, database_url or lab.stack.database_url
    with closing(Ports()) as ports:
        port = ports.reserve()
        address = f"http://127.0.0.1:{port}"
        environment = {
            "SECAPI_DATABASE_URL": database_url,
            "SECAPI_REDIS_URL": redis_url or lab.stack.redis_url,
            "SECAPI_API_PORT": str(port),
        } | {f"SECAPI_API_{setting.upper()}": str(value) for setting, value in tuning.items()}
        component = replace(
            described,
            name=name,
            env={**described.env, **environment},
            ready=http_ok(f"{address}/readyz"),
        )
        api_key = await create_admin_key(database_url, described.env["SECAPI_API_KEY_PEPPER"])
        async with running(component, lab.state) as program:
            yield AnotherApi(address, api_key, program.pid)


def _allow_many_files() -> None:
    """A thousand connections are more files than a shell usually grants; processes started from here inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
