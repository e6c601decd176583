"""Archives, honest and hostile. Promise P11: a typed refusal or plain files below the destination, nothing else."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secapi_workers.sources import unpack
from secapi_workers.sources.unpack import Invalid, TooLarge

MIB = 1024 * 1024


def make_tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for member in members:
            if isinstance(member, tuple):
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
            else:
                tar.addfile(member)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def make_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def zip_special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def unpacked(archive: Path, *, max_bytes: int = 100 * MIB, max_entries: int = 1000) -> dict[str, bytes]:
    """Unpack and give the files by name; whatever is made must be below the destination and plain."""
    destination = archive.parent / "tree"
    unpack.unpack(archive, destination, max_bytes=max_bytes, max_entries=max_entries)
    found = {}
    for folder, names, files in os.walk(destination):
        for name in names + files:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            assert stat.S_ISDIR(mode) or stat.S_ISREG(mode)
            assert not mode & (stat.S_ISUID | stat.S_ISGID | 0o077 | (0o111 if stat.S_ISREG(mode) else 0))
            if stat.S_ISREG(mode):
                found[str(path.relative_to(destination))] = path.read_bytes()
    return found


@pytest.fixture(autouse=True)
def private_files() -> object:
    """The sandbox's umask."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_gives_its_files(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    files = {"a.py": b"print()\n", "src/deep/b.py": b"x" * 100_000, "./c": b""}
    plain = make_tar(tmp_path / "plain", *files.items())
    archive = tmp_path / "archive"
    archive.write_bytes(compress(plain.read_bytes()))
    assert unpacked(archive) == {name.removeprefix("./"): content for name, content in files.items()}


def test_a_zip_gives_its_files(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "archive", ("a.py", b"x"), ("dir/", b""), ("dir/b.py", b"y" * 100_000))
    assert unpacked(archive) == {"a.py": b"x", "dir/b.py": b"y" * 100_000}


def test_what_git_archive_and_tar_write_is_accepted(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "very" / ("long-" * 30)).mkdir(parents=True)
    (source / "very" / ("long-" * 30) / "näme.py").write_text("x")
    (source / "link").symlink_to("very")
    (source / "pipe-target").write_text("y")
    (source / "hard").hardlink_to(source / "pipe-target")
    (source / "run.sh").write_text("#!/bin/sh")
    (source / "run.sh").chmod(0o777)
    archive = tmp_path / "archive.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", source, "."], check=True)
    expected = {f"very/{'long-' * 30}/näme.py": b"x", "pipe-target": b"y", "hard": b"y", "run.sh": b"#!/bin/sh"}
    assert unpacked(archive) == expected


HOSTILE_NAMES = ["../evil", "a/../../evil", "/etc/evil", "//evil", "a/" * 60 + "b", "n" * 2000, "..", "a/.."]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_path_that_leads_out_or_is_absurd_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        unpacked(make_tar(tmp_path / "tar", (name, b"evil")))
    (tmp_path / "zip").mkdir()
    with pytest.raises(Invalid):
        unpacked(make_zip(tmp_path / "zip" / "archive", (name, b"evil")))
    assert not list(tmp_path.parent.glob("evil"))


def test_a_file_behind_a_symbolic_link_stays_inside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = special("door", tarfile.SYMTYPE, str(outside))
    assert unpacked(make_tar(tmp_path / "archive", link, ("door/evil", b"x"))) == {"door/evil": b"x"}
    assert not list(outside.iterdir())


def test_a_symbolic_link_of_a_zip_is_skipped(tmp_path: Path) -> None:
    link = zip_special("passwd", stat.S_IFLNK | 0o777)
    assert unpacked(make_zip(tmp_path / "archive", (link, b"/etc/passwd"), ("a", b"x"))) == {"a": b"x"}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "missing"])
def test_a_hard_link_to_something_outside_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(Invalid):
        unpacked(make_tar(tmp_path / "archive", special("a", tarfile.LNKTYPE, target)))


def test_a_hard_link_to_itself_does_not_grow_without_end(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "archive", ("a", b"x" * 100), special("b", tarfile.LNKTYPE, "b"))
    assert unpacked(archive, max_bytes=MIB) == {"a": b"x" * 100, "b": b""}


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(Invalid, match="neither a file"):
        unpacked(make_tar(tmp_path / "archive", special("device", kind)))


def test_a_device_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="neither a file"):
        unpacked(make_zip(tmp_path / "archive", (zip_special("device", stat.S_IFCHR | 0o666), b"")))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
def test_entries_that_clash_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        unpacked(make_tar(tmp_path / "archive", *((name, name.encode()) for name in names)))


def test_a_setuid_file_loses_its_permissions(tmp_path: Path) -> None:
    info = tarfile.TarInfo("root")
    info.mode = 0o6777
    assert unpacked(make_tar(tmp_path / "archive", info)) == {"root": b""}


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_that_unpacks_to_too_much_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    plain = make_tar(tmp_path / "plain", ("zeros", bytes(12 * MIB)))
    archive = tmp_path / "archive"
    archive.write_bytes(compress(plain.read_bytes()))
    with pytest.raises(TooLarge, match="unpacks to more than"):
        unpacked(archive, max_bytes=8 * MIB)
    written = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file() and path != plain)
    assert written < 24 * MIB


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "archive", ("zeros", bytes(12 * MIB)))
    data = archive.read_bytes().replace(struct.pack("<I", 12 * MIB), struct.pack("<I", 1000))
    archive.write_bytes(data)
    with pytest.raises((TooLarge, Invalid)):
        unpacked(archive, max_bytes=8 * MIB)


def test_a_small_archive_that_unpacks_to_very_much_is_a_bomb(tmp_path: Path) -> None:
    plain = make_tar(tmp_path / "plain", ("zeros", bytes(80 * MIB)))
    archive = tmp_path / "archive"
    archive.write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(TooLarge):
        unpacked(archive, max_bytes=10_000 * MIB)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="more than 50 entries"):
        unpacked(make_tar(tmp_path / "archive", *((str(n), b"") for n in range(51))), max_entries=50)
    (tmp_path / "zip").mkdir()
    with pytest.raises(TooLarge, match="more than 50 entries"):
        unpacked(make_zip(tmp_path / "zip" / "archive", *((str(n), b"") for n in range(51))), max_entries=50)


def test_a_header_of_any_size_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 8 * MIB
    archive = tmp_path / "archive"
    archive.write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + bytes(9 * MIB))
    with pytest.raises(Invalid, match="header of 8388608 bytes"):
        unpacked(archive)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "archive", ("a", b"x"))
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(Invalid, match="encrypted"):
        unpacked(archive)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8bnot gzip", b"\xfd7zXZ\x00xx", bytes(2048)])
def test_what_is_no_archive_of_files_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(content)
    with pytest.raises(Invalid):
        unpacked(archive)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_that_is_cut_off_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    plain = make_tar(tmp_path / "plain", ("a", os.urandom(5000)), ("b", os.urandom(5000)))
    data = compress(plain.read_bytes())
    archive = tmp_path / "archive"
    archive.write_bytes(data[: len(data) // 3])
    with pytest.raises(Invalid):
        unpacked(archive)


def test_a_damaged_header_does_not_hide_what_follows(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "archive", ("a", b"x"), ("b", b"y"), form=tarfile.USTAR_FORMAT)
    data = bytearray(archive.read_bytes())
    data[1024 + 5] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(Invalid, match="damaged"):
        unpacked(archive)


@given(data=st.binary(max_size=2000), position=st.integers(0, 3000), tool=st.sampled_from(["tar", "zip"]))
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_gives_files_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, position: int, tool: str
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    make = make_tar if tool == "tar" else make_zip
    archive = make(folder / "archive", ("a/b", b"x" * 700), ("c", b"y"))
    damaged = bytearray(archive.read_bytes())
    damaged[position : position + len(data)] = data
    archive.write_bytes(damaged)
    with suppress(Invalid, TooLarge):
        unpacked(archive, max_bytes=MIB)


@given(names=st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_whatever_entries_are_called_nothing_is_made_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    try:
        archive = make_tar(folder / "archive", *((name, b"x") for name in names))
    except (ValueError, UnicodeError):
        return  # The archiver itself cannot have such a name.
    with suppress(Invalid):
        unpacked(archive)
    assert {path.name for path in folder.iterdir()} <= {"archive", "tree"}


def test_the_program_says_in_one_sentence_why_it_refuses(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "archive", ("../evil", b"x"))
    command = [sys.executable, "-I", "-S", unpack.__file__, str(archive), str(tmp_path / "tree"), str(MIB), "10"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == unpack.INVALID
    assert ended.stderr == "'../evil' leads out of the archive\n"
