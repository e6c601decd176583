"""Unpack a hostile archive: ``unpack.py ARCHIVE DESTINATION MAX_BYTES MAX_ENTRIES``.

A program of its own, standard library only, so that it can run in the sandbox with bounded memory and time. Takes tar,
plain or compressed with gzip, bzip2 or xz, and zip, told apart by content.

Only directories and regular files are ever made, with permissions of our own, never a link or a device. As no link can
exist in the tree, a path that is relative and without ``..`` cannot leave it. Symbolic links are skipped, because what
they point to is scanned where it is; a hard link becomes a copy. Anything that no honest archiver writes is refused.

Exit status: 0, ``INVALID`` or ``TOO_LARGE`` with one sentence on standard error.
"""

import bz2
import errno
import gzip
import lzma
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, Protocol, cast

INVALID = 3
TOO_LARGE = 4

MAX_PATH = 1_000
MAX_DEPTH = 50
MAX_RATIO = 250
RATIO_FROM = 64 * 1024 * 1024
"""Unpacked bytes below which no ratio is too high: small archives of text compress very well."""

CHUNK = 64 * 1024
MAX_READ = 1024 * 1024
"""Most bytes read at once; tarfile would read a header of any announced length into memory."""

Opener = type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile]

_OPENERS: dict[bytes, Opener] = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}
# zipfile raises RuntimeError and NotImplementedError for passwords and compressions that it does not know.
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError)
_NOT_ITS_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENOMEM}


class Invalid(Exception):
    """Not an archive that may be unpacked."""


class TooLarge(Exception):
    """More than a scan may take."""


class Readable(Protocol):
    """Whatever can be read in pieces."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""


class Entry(NamedTuple):
    """A file of an archive, or a directory if it cannot be opened."""

    name: str
    open: Callable[[], IO[bytes]] | None


class Budget:
    """How much may still be written, over all of an archive."""

    def __init__(self, archive: Path, max_bytes: int, max_entries: int) -> None:
        """Allow ``max_bytes``, or less if the archive itself is so small that it must be a bomb."""
        self.bytes = self.max_bytes = min(max_bytes, max(RATIO_FROM, MAX_RATIO * archive.stat().st_size))
        self.entries = self.max_entries = max_entries
        self.files = 0

    def entry(self) -> None:
        """Count an entry."""
        self.entries -= 1
        if self.entries < 0:
            raise TooLarge(f"the archive has more than {self.max_entries} entries")

    def copy(self, source: Readable, target: IO[bytes]) -> None:
        """Copy all of a file."""
        self.files += 1
        while chunk := source.read(CHUNK):
            self.bytes -= len(chunk)
            if self.bytes < 0:
                raise TooLarge(f"the archive unpacks to more than {self.max_bytes} bytes")
            target.write(chunk)


class _BoundedReads:
    """A file for tarfile that refuses to be read in one piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise Invalid(f"the archive has a header of {size} bytes")
        return self._file.read(size)


def unpack(archive: Path, destination: Path, *, max_bytes: int, max_entries: int) -> None:
    """Unpack ``archive`` into the new directory ``destination``. Raises Invalid or TooLarge."""
    destination.mkdir(mode=0o700)
    budget = Budget(archive, max_bytes, max_entries)
    try:
        with archive.open("rb") as file:
            start = file.read(6)
        for magic, opener in _OPENERS.items():
            if start.startswith(magic):
                archive = _decompressed(archive, opener, max_bytes, max_entries)
        reader = _zip_entries if start.startswith(b"PK") else _tar_entries
        for entry in reader(archive, destination, budget):
            _write(entry, destination, budget)
    except _BROKEN as error:
        raise Invalid(f"it is not a readable tar or zip archive: {error}") from error
    except OSError as error:
        if error.errno in _NOT_ITS_FAULT:
            raise
        if error.errno == errno.EFBIG:
            raise TooLarge("the archive has a file larger than a scan may take") from error
        # Names that clash with one another or that no file can have; gzip's errors are OSErrors too.
        raise Invalid(f"the archive cannot be unpacked: {error.strerror or error}") from error
    if not budget.files:
        raise Invalid("the archive holds no files, so there is nothing to scan")


def _decompressed(archive: Path, opener: Opener, max_bytes: int, max_entries: int) -> Path:
    """A plain copy on disk: tarfile seeks, and a compressed file could only do so by starting over."""
    plain = archive.with_name(f"{archive.name}.tar")
    # The tar holds what will be written, and for each entry at most a few blocks of header and padding.
    budget = Budget(archive, max_bytes + 2048 * max_entries, 1)
    with opener(archive) as source, plain.open("xb") as target:
        budget.copy(source, target)
    return plain


def _tar_entries(archive: Path, destination: Path, budget: Budget) -> Iterator[Entry]:
    with archive.open("rb") as file:
        tar = tarfile.TarFile(fileobj=cast("IO[bytes]", _BoundedReads(file)))
        while (member := tar.next()) is not None:
            # Otherwise every member stays in memory.
            cast("Any", tar).members = []
            budget.entry()
            if member.isdir():
                yield Entry(member.name, None)
            elif member.isreg():
                yield Entry(member.name, partial(_tar_file, tar, member))
            elif member.islnk():
                yield Entry(member.name, partial(_linked_file, destination, member.linkname))
            elif not member.issym():
                raise Invalid(f"{member.name!r} is neither a file nor a directory nor a link")
        # tarfile takes a damaged header for the end, which would hide what follows from the scan.
        file.seek(tar.offset)
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise Invalid("the archive is damaged or cut off")


def _tar_file(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None  # noqa: S101 - only links and directories have none
    return file


def _linked_file(destination: Path, name: str) -> IO[bytes]:
    return destination.joinpath(*_safe_parts(name)).open("rb")


def _zip_entries(archive: Path, _destination: Path, budget: Budget) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as container:
        for member in container.infolist():
            budget.entry()
            # The upper half has the Unix file mode, or zero where the archiver knew none.
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.flag_bits & 0x1:
                raise Invalid(f"{member.filename!r} is encrypted")
            if member.is_dir():
                yield Entry(member.filename, None)
            elif kind in (0, stat.S_IFREG):
                yield Entry(member.filename, partial(container.open, member))
            elif kind != stat.S_IFLNK:
                raise Invalid(f"{member.filename!r} is neither a file nor a directory nor a link")


def _write(entry: Entry, destination: Path, budget: Budget) -> None:
    path = destination.joinpath(*_safe_parts(entry.name))
    if entry.open is None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        target = path.open("xb")
    except FileExistsError:
        raise Invalid(f"two entries are named {entry.name!r}") from None
    with target, entry.open() as source:
        budget.copy(source, target)


def _safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a path that stays below where it starts."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Invalid(f"{name[:100]!r} leads out of the archive")
    if len(name) > MAX_PATH or len(path.parts) > MAX_DEPTH:
        raise Invalid(f"{name[:100]!r} is part of a path longer or deeper than any source file has")
    return path.parts


def main(archive: Path, destination: Path, max_bytes: int, max_entries: int) -> int:
    """Unpack and say in one sentence why not; the exit status."""
    try:
        unpack(archive, destination, max_bytes=max_bytes, max_entries=max_entries)
    except (Invalid, TooLarge) as error:
        sys.stderr.write(f"{error}\n")
        return INVALID if isinstance(error, Invalid) else TOO_LARGE
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
