"""The processes of a running stack by what they do, and what they have used so far."""

import psutil

from secapi_dev.stackfile import Pids


class WorkerTree:
    """One worker: the parent takes messages, its children run jobs, each below them has a supervisor of scanners."""

    def __init__(self, pid: int) -> None:
        """Look at the tree of the parent ``pid`` as it is now."""
        self.parent = psutil.Process(pid)
        self.children = self.parent.children()
        self.supervisors = [process for child in self.children for process in child.children()]

    def parts(self) -> dict[str, list[psutil.Process]]:
        """Its processes by their part in the work."""
        return {
            "worker_parent": [self.parent],
            "worker_child": self.children,
            "worker_supervisor": self.supervisors,
        }


def cpu_seconds(pids: Pids) -> dict[str, float]:
    """Processor time by part of the stack since its start; that of scanners is what supervisors have waited for.

    Servers count with all their processes, those included that have ended.
    """
    used = {name: _whole(psutil.Process(pid)) for name, pid in pids.single.items()}
    for pid in pids.workers:
        tree = WorkerTree(pid)
        for part, processes in tree.parts().items():
            used[part] = used.get(part, 0.0) + sum(map(_own, processes))
        used["scanner"] = used.get("scanner", 0.0) + sum(map(_ended_children, tree.supervisors))
    return used | {"client": _own(psutil.Process())}


def _whole(process: psutil.Process) -> float:
    return sum(_own(each) + _ended_children(each) for each in (process, *process.children(recursive=True)))


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _ended_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.children_user + times.children_system
