"""SecAPI's own components as child processes: the one place that knows what each is told through its environment."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secapi_dev import paths
from secapi_dev.backends import Backends
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import Component, base_environment

BIN = Path(sys.executable).parent

# What is under way may take this long once the stack stops; it is killed a little later.
DRAIN_SECONDS = 3


@dataclass(frozen=True, kw_only=True)
class Components:
    """The components of a stack and the addresses where each serves its probes and metrics; the API its routes too."""

    api: Component
    operator: Component
    workers: Sequence[Component]
    api_url: str
    operator_url: str
    worker_urls: Sequence[str]


@dataclass(frozen=True)
class Surroundings:
    """What all components of a stack have in common: the servers, and the state directory."""

    backends: Backends
    directory: Path

    def environment(self, **variables: str | int | Path) -> dict[str, str]:
        """Give the variables that every component gets, and ``variables`` on top of them."""
        artifacts, temporary = self.directory / "artifacts", self.directory / "tmp"
        for directory in (artifacts, temporary):
            directory.mkdir(mode=0o700, exist_ok=True)
        common = {
            "SECAPI_DATABASE_URL": self.backends.database_url,
            "SECAPI_REDIS_URL": self.backends.redis_url,
            "SECAPI_ARTIFACT_URL": artifacts.as_uri(),
            # Here temporary files disappear with the stack even when who made them was killed.
            "TMPDIR": temporary,
        }
        return base_environment() | {name: str(value) for name, value in (common | variables).items()}

    def webhooks(self) -> dict[str, str]:
        """Give the variables about webhooks; here, receivers are tried out on this machine."""
        return {
            "SECAPI_WEBHOOK_KEY": self.backends.webhook_key,
            "SECAPI_WEBHOOK_ALLOW_HTTP": "true",
            "SECAPI_WEBHOOK_ALLOWED_CIDRS": '["127.0.0.0/8", "::1/128"]',
        }


def secapi_components(surroundings: Surroundings, ports: Ports, workers: int) -> Components:
    """Describe the REST API, the operator and ``workers`` workers of all pools, each on ports of its own."""
    api_port, operator_port, *worker_ports = (ports.reserve() for _ in range(2 + workers))
    return Components(
        api=_component(
            "api",
            surroundings.environment(
                SECAPI_DATABASE_URL=surroundings.backends.api_database_url,
                SECAPI_API_HOST="127.0.0.1",
                SECAPI_API_PORT=api_port,
                SECAPI_API_SHUTDOWN_TIMEOUT=DRAIN_SECONDS,
                SECAPI_API_KEY_PEPPER=surroundings.backends.pepper,
                KUBECONFIG=surroundings.backends.api_kubeconfig,
                **surroundings.webhooks(),
            ),
            api_port,
        ),
        operator=_component(
            "operator",
            surroundings.environment(
                SECAPI_OPERATOR_PROBE_PORT=operator_port,
                KUBECONFIG=surroundings.backends.operator_kubeconfig,
            ),
            operator_port,
        ),
        workers=[
            _component(
                "worker",
                {"SECAPI_TOOLS_DIR": str(paths.cache() / "tools")}
                | surroundings.environment(
                    SECAPI_WORKER_POOLS="network,code,system",
                    SECAPI_WORKER_METRICS_PORT=port,
                    SECAPI_DRAIN_SECONDS=DRAIN_SECONDS,
                    **surroundings.webhooks(),
                ),
                port,
                number,
            )
            for number, port in enumerate(worker_ports)
        ],
        api_url=_address(api_port),
        operator_url=_address(operator_port),
        worker_urls=[_address(port) for port in worker_ports],
    )


def _component(kind: str, environment: dict[str, str], port: int, number: int | None = None) -> Component:
    """Describe the console script of ``kind``, which is ready when its ``/readyz`` on ``port`` says so."""
    return Component(
        name=kind if number is None else f"{kind}-{number}",
        argv=[str(BIN / f"secapi-{kind}")],
        env=environment,
        ready=http_ok(f"{_address(port)}/readyz"),
    )


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"
