"""Running a program as process 1 of a pid namespace, as in a container, without a container."""

import os
import shutil
import subprocess

import psutil
import pytest


def as_process_one(*init: str) -> list[str]:
    """What to put before a command; ``init`` itself is process 1 then. Skips the test where that cannot be had."""
    for program in ("unshare", *init[:1]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    unshare = ["unshare", *user, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us make a pid namespace")
    return [*unshare, *init]


def process_one(launcher: int) -> psutil.Process:
    """Process 1 of the namespace that ``launcher`` made, as it is seen from here."""
    (first,) = psutil.Process(launcher).children()
    return first


def zombies(launcher: int) -> list[psutil.Process]:
    """Processes of the namespace that have ended and that nobody has asked about."""
    return [p for p in process_one(launcher).children(recursive=True) if p.status() == psutil.STATUS_ZOMBIE]
