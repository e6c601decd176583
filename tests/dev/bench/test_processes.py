"""What processes have used and hold."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from secapi_dev.bench.memory import sizes
from secapi_dev.bench.processes import WorkerTree, cpu_seconds
from secapi_dev.stackfile import Pids

TREE = """
import os, time

def below(run):
    if os.fork() == 0:
        run()
        os._exit(0)
    os.wait()

def scan():
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass

def supervise():
    below(scan)
    print(flush=True)
    time.sleep(60)  # lives until the test kills it, and not for ever if the test dies

below(lambda: below(supervise))
"""
"""A parent, its child, that one's supervisor, and a scanner that has used 0.3 s of processor time and ended."""


@pytest.fixture
def worker() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", TREE], stdout=subprocess.PIPE, process_group=0)
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    os.killpg(process.pid, 9)
    process.stdout.close()
    process.wait()


def test_a_worker_is_a_parent_with_children_that_have_a_supervisor_each(worker: int) -> None:
    tree = WorkerTree(worker)
    assert [len(processes) for processes in tree.parts().values()] == [1, 1, 1]
    assert tree.supervisors[0].parent() == tree.children[0]


def test_the_time_of_scanners_that_have_ended_is_not_their_supervisors(worker: int) -> None:
    used = cpu_seconds(Pids({"api": os.getpid()}, [worker]))
    assert used["scanner"] == pytest.approx(0.3, abs=0.1)
    assert used["worker_supervisor"] < used["scanner"]
    assert used["client"] > 0
    assert set(used) == {"api", "worker_parent", "worker_child", "worker_supervisor", "scanner", "client"}


def test_sizes_are_megabytes_resident_shared_and_own() -> None:
    figures = sizes(psutil.Process())
    assert 1 < figures["uss_mb"] <= figures["pss_mb"] <= figures["rss_mb"] < 10_000
