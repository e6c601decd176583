"""``stack.json``: what a program needs to know to use a running stack."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "stack.json"
SINGLE = ("api", "operator", "postgres", "redis", "etcd", "apiserver")
WORKER_PREFIX = "worker-"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What stays the same as long as a stack runs; all but the kubeconfig's path are URLs and a key."""

    api_url: str
    api_key: str
    kubeconfig: Path
    database_url: str
    redis_url: str
    operator_url: str
    worker_urls: Sequence[str]


@dataclass(frozen=True)
class Pids:
    """Process ids of a running stack: of what it has one of, by name, and of its workers; a given server has none."""

    single: Mapping[str, int]
    workers: Sequence[int]


def write(stack: Stack, pids: Mapping[str, int], directory: Path) -> None:
    """Write the file; ``pids`` by component, with workers as ``worker-0`` and on; a server that was given has none.

    Only its owner may read it, as it holds secrets. Readers see the old file or the new one, never a part.
    """
    workers = sorted((int(name.removeprefix(WORKER_PREFIX)), pid) for name, pid in pids.items() if name not in SINGLE)
    content = {
        "apiUrl": stack.api_url,
        "apiKey": stack.api_key,
        "kubeconfig": str(stack.kubeconfig),
        "databaseUrl": stack.database_url,
        "redisUrl": stack.redis_url,
        "metrics": {
            "api": f"{stack.api_url}/metrics",
            "operator": f"{stack.operator_url}/metrics",
            "worker": [f"{url}/metrics" for url in stack.worker_urls],
        },
        "pids": {name: pids.get(name) for name in SINGLE} | {"worker": [pid for _, pid in workers]},
    }
    draft = directory / f"{NAME}.part"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    draft.rename(directory / NAME)


def read_pids(directory: Path) -> Pids:
    """The process ids that the file names at this moment."""
    pids = json.loads((directory / NAME).read_text())["pids"]
    return Pids({name: pids[name] for name in SINGLE if pids[name] is not None}, pids["worker"])
