"""Where figures were measured: they mean little without."""

import json
import os
import platform
from pathlib import Path
from typing import Protocol

import psutil
from redis.asyncio import Redis

from secapi_dev.bench import ledger
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.progress import Progress

Facts = dict[str, str | int | float]


class Addresses(Protocol):
    """Servers to ask for their versions."""

    @property
    def database_url(self) -> str:
        """Of Postgres."""

    @property
    def redis_url(self) -> str:
        """Of Redis or Valkey."""

    @property
    def kubeconfig(self) -> Path:
        """For Kubernetes."""


def facts() -> Facts:
    """The machine, Python, and how busy the machine is at this moment: runnable processes, mean of a minute."""
    return {
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": psutil.virtual_memory().total // 1_000_000,
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


async def versions(addresses: Addresses, progress: Progress) -> Facts:
    """What the servers say they are."""
    kubectl = Kubectl((await find_or_build(progress)).kubectl, addresses.kubeconfig)
    async with ledger.connected(addresses.database_url) as connection, Redis.from_url(addresses.redis_url) as redis:
        server = await redis.info("server")
        return {
            "postgres": str(await connection.fetchval("SHOW server_version")),
            "redis": f"{server.get('server_name', 'redis')} {server.get('valkey_version', server['redis_version'])}",
            "kubernetes": json.loads(await kubectl("get", "--raw", "/version"))["gitVersion"],
        }
