"""A directory as an archive to upload."""

import gzip
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION_CONTROL = frozenset({".git", ".hg", ".svn"})


@contextmanager
def packed(directory: Path) -> Iterator[Path]:
    """A gzipped tar of the files in ``directory``, kept while the block runs.

    The same files give the same bytes, and so the same artifact: owners and times are left out. So are links, which
    scanners do not follow, and what version control keeps beside the files.
    """
    with tempfile.TemporaryDirectory(prefix="secapi-") as temporary:
        archive = Path(temporary) / "source.tar.gz"
        with (
            archive.open("xb") as file,
            gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in sorted(directory.iterdir()):
                tar.add(path, arcname=path.name, filter=_plain)
        yield archive


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if entry.name.rpartition("/")[2] in VERSION_CONTROL or not (entry.isreg() or entry.isdir()):
        return None
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry
