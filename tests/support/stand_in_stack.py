"""``secapi-dev up`` with stand-ins for SecAPI's components: ``stand_in_stack.py [STATE-DIRECTORY]``.

All else is real: the command's signal handling, the servers, the guards, ``stack.json``.
"""

import asyncio
import sys
from pathlib import Path

import stand_in
from secapi_dev.commands import up
from secapi_dev.components import Components, Surroundings
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import Component
from secapi_dev.progress import Progress


def stand_ins(surroundings: Surroundings, ports: Ports) -> Components:
    """Describe an API, an operator and two workers that only say that they are ready."""
    names = ("api", "operator", "worker-0", "worker-1")
    urls = {name: f"http://127.0.0.1:{ports.reserve()}" for name in names}
    api, operator, *workers = (
        Component(
            name=name,
            argv=[sys.executable, stand_in.__file__, url.rpartition(":")[2]],
            env=surroundings.environment(),
            ready=http_ok(f"{url}/readyz"),
        )
        for name, url in urls.items()
    )
    return Components(
        api=api,
        operator=operator,
        workers=workers,
        api_url=urls["api"],
        operator_url=urls["operator"],
        worker_urls=[urls["worker-0"], urls["worker-1"]],
    )


if __name__ == "__main__":
    asyncio.run(up.run(Path(sys.argv[1]) if sys.argv[1:] else None, stand_ins, Progress()))
