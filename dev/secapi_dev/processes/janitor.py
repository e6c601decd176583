"""Remove files when nobody uses them any more: ``janitor.py LOCK PATH...``.

Waits for the exclusive ``flock`` of LOCK, which a stack and all its guards hold as long as one of them lives, and then
removes each PATH, a file or a whole tree. Standard library only, started with ``python -I -S``.
"""

import fcntl
import shutil
import sys
from pathlib import Path


def main(lock: Path, paths: list[Path]) -> None:
    """Wait for ``lock``, then remove ``paths``."""
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for path in paths:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a tree, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
