"""Targets made ready: names resolved and checked, repositories fetched from a real git server, artifacts unpacked."""

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimed_jobs import make_job
from secapi_core.crds.scanrequest import Target
from secapi_core.errors import SecapiError
from secapi_core.failures import FailureReason
from secapi_core.objects import ArtifactStore
from secapi_core.targets import Scope, canonical
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import RunDirectory
from secapi_workers.sources.prepare import Prepared, Sources
from secapi_workers.sources.repository import Checkout

MIB = 1024 * 1024
Prepare = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore((tmp_path / "objects").as_uri())


@pytest.fixture
def prepare(sandbox: Sandbox, store: ArtifactStore, run_directory: RunDirectory) -> Prepare:
    """Prepare a target as a job of a scope that allows loopback."""

    async def run(target: dict[str, Any], *, max_bytes: int = 16 * MIB, **fields: Any) -> Prepared:
        sources = Sources(
            store=store, sandbox=sandbox, max_bytes=max_bytes, seconds=20, path_variable=os.environ["PATH"]
        )
        return await sources.prepare(make_job(target, **fields), run_directory)

    return run


def git(directory: Path, *arguments: str, stdin: str = "") -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of repositories to serve; ``shop`` has files, a branch, a tag, a link and a submodule."""
    root = tmp_path_factory.mktemp("repositories")
    shop = root / "shop"
    (shop / "src").mkdir(parents=True)
    git(shop, "init", "--quiet")
    (shop / "src" / "app.py").write_text("print('main')\n")
    (shop / "README").write_text("shop\n")
    (shop / "passwords").symlink_to("/etc/passwd")
    git(shop, "add", ".")
    git(shop, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    git(shop, "commit", "--quiet", "-m", "first")
    git(shop, "tag", "v1")
    git(shop, "checkout", "--quiet", "-b", "feature/x")
    (shop / "src" / "app.py").write_text("print('feature')\n")
    git(shop, "commit", "--quiet", "-am", "second")
    git(shop, "checkout", "--quiet", "main")
    git(shop, "config", "uploadpack.allowAnySHA1InWant", "true")

    empty = root / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")

    large = root / "large"
    large.mkdir()
    git(large, "init", "--quiet")
    (large / "random").write_bytes(os.urandom(6 * MIB))
    git(large, "add", ".")
    git(large, "commit", "--quiet", "-m", "large")
    return root


@pytest.fixture(scope="session")
def bomb(repositories: Path) -> str:
    """A repository of a few kilobytes whose tree has ten to the ninth files."""
    root = repositories / "bomb"
    root.mkdir()
    git(root, "init", "--quiet")
    entry = f"100644 blob {git(root, 'hash-object', '-w', '--stdin', stdin='boom')}"
    for _ in range(9):
        tree = git(root, "mktree", stdin="".join(f"{entry}\tn{number}\n" for number in range(10)))
        entry = f"040000 tree {tree}"
    git(root, "update-ref", "refs/heads/main", git(root, "commit-tree", tree, "-m", "boom"))
    return "bomb"


@pytest.fixture(scope="session")
def git_server(repositories: Path) -> Iterator[str]:
    """Address of a git daemon on loopback that serves ``repositories``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = Path(subprocess.run(["git", "--exec-path"], capture_output=True, text=True).stdout.strip()) / "git-daemon"
    options = ["--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all", f"--base-path={repositories}"]
    with subprocess.Popen([daemon, *options, repositories], stderr=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline, "git daemon does not listen"
            time.sleep(0.02)
        yield f"git://localhost:{port}"
        server.terminate()


def repository(url: str, **fields: str) -> dict[str, Any]:
    return {"repository": {"url": url, **fields}}


def tree(source: Path | None) -> dict[str, str]:
    assert source is not None
    return {str(p.relative_to(source)): p.read_text() for p in source.rglob("*") if p.is_file() or p.is_symlink()}


async def reason(prepared: Any) -> tuple[FailureReason, str]:
    with pytest.raises(SecapiError) as failed:
        await prepared
    return failed.value.failure.reason, failed.value.failure.message


async def test_a_repository_is_its_files_and_nothing_of_git(prepare: Prepare, git_server: str) -> None:
    prepared = await prepare(repository(f"{git_server}/shop"))
    assert tree(prepared.source) == {
        "src/app.py": "print('main')\n",
        "README": "shop\n",
        "passwords": "/etc/passwd",
    }
    assert not (prepared.source / "passwords").is_symlink()


async def test_a_ref_can_be_a_branch_a_tag_or_a_commit(
    prepare: Prepare, git_server: str, repositories: Path, run_directory: RunDirectory
) -> None:
    commit = git(repositories / "shop", "rev-parse", "feature/x")
    for ref, expected in (("feature/x", "feature"), ("v1", "main"), (commit, "feature")):
        prepared = await prepare(repository(f"{git_server}/shop", ref=ref))
        assert tree(prepared.source)["src/app.py"] == f"print('{expected}')\n"
        shutil.rmtree(run_directory.source)


async def test_a_path_limits_what_is_checked_out(prepare: Prepare, git_server: str) -> None:
    prepared = await prepare(repository(f"{git_server}/shop", path="src"))
    assert tree(prepared.source) == {"app.py": "print('main')\n"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ref": "nowhere"}, "nowhere"),
        ({"path": "nowhere"}, "no path 'nowhere'"),
    ],
)
async def test_what_is_not_in_the_repository_is_an_invalid_request(
    prepare: Prepare, git_server: str, fields: dict[str, str], says: str
) -> None:
    why, message = await reason(prepare(repository(f"{git_server}/shop", **fields)))
    assert why is FailureReason.INVALID_SPEC
    assert says in message


async def test_an_empty_repository_cannot_be_scanned(prepare: Prepare, git_server: str) -> None:
    why, _ = await reason(prepare(repository(f"{git_server}/empty")))
    assert why in (FailureReason.INVALID_SPEC, FailureReason.REPOSITORY_UNAVAILABLE)


async def test_a_repository_that_is_not_there_is_unavailable(prepare: Prepare, git_server: str) -> None:
    why, message = await reason(prepare(repository(f"{git_server}/missing")))
    assert why is FailureReason.REPOSITORY_UNAVAILABLE
    assert message.startswith("git: ")


async def test_a_server_that_is_not_there_is_unavailable(prepare: Prepare) -> None:
    why, _ = await reason(prepare(repository("git://127.0.0.1:1/shop")))
    assert why is FailureReason.REPOSITORY_UNAVAILABLE


async def test_a_large_repository_is_refused(prepare: Prepare, git_server: str) -> None:
    why, _ = await reason(prepare(repository(f"{git_server}/large"), max_bytes=2 * MIB))
    assert why is FailureReason.SOURCE_TOO_LARGE


async def test_a_repository_that_unpacks_to_very_much_is_refused_unseen(
    prepare: Prepare, git_server: str, bomb: str, run_directory: RunDirectory
) -> None:
    why, _ = await reason(prepare(repository(f"{git_server}/{bomb}")))
    assert why is FailureReason.SOURCE_TOO_LARGE
    assert not run_directory.source.exists()


@pytest.mark.parametrize(
    "url", ["file://{}/shop", "{}/shop", "ext::git-upload-pack {}/shop", "http://127.0.0.1:1/shop"]
)
async def test_git_itself_refuses_other_protocols(
    sandbox: Sandbox, run_directory: RunDirectory, repositories: Path, url: str
) -> None:
    # No such target can be planned; this is the second lock on the same door.
    checkout = Checkout(
        sandbox=sandbox,
        directory=run_directory,
        address="127.0.0.1",
        max_bytes=MIB,
        seconds=20,
        path_variable=os.environ["PATH"],
    )
    planned = canonical(Target.model_validate(repository("git://127.0.0.1/shop")))
    why, message = await reason(checkout.fetch(replace(planned, url=url.format(repositories))))
    assert why is FailureReason.REPOSITORY_UNAVAILABLE
    assert "not allowed" in message


async def test_a_repository_at_a_forbidden_address_is_not_contacted(prepare: Prepare, git_server: str) -> None:
    why, message = await reason(prepare(repository(f"{git_server}/shop"), scope=Scope()))
    assert why is FailureReason.TARGET_FORBIDDEN
    assert "loopback" in message


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, "asyncio.Future[bytes]"]]:
    """A port on loopback, and the first bytes that somebody sends to it."""
    first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first.done():
            first.set_result(await reader.read(2000))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], first


async def test_https_connects_to_the_pinned_address_and_still_asks_for_the_host_by_name(
    prepare: Prepare, listener: tuple[int, "asyncio.Future[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pinned(*_: object) -> str:
        return "127.0.0.1"

    monkeypatch.setattr("secapi_workers.sources.prepare.pinned_address", pinned)
    port, first = listener
    why, _ = await reason(prepare(repository(f"https://shop.invalid:{port}/shop.git")))
    assert why is FailureReason.REPOSITORY_UNAVAILABLE
    assert b"shop.invalid" in first.result()


async def test_a_host_is_resolved_and_its_address_pinned(prepare: Prepare) -> None:
    prepared = await prepare({"host": {"address": "127.0.0.5", "ports": "22"}})
    assert prepared.fields["pinnedAddress"] == "127.0.0.5"
    assert prepared.source is None


async def test_a_name_of_a_forbidden_address_is_refused(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = resolving_to(monkeypatch, "93.184.216.34", "10.0.0.7")
    why, message = await reason(prepare({"url": "https://shop.example/"}))
    assert resolved == ["shop.example"]
    assert why is FailureReason.TARGET_FORBIDDEN
    assert "10.0.0.7" in message


async def test_a_name_is_pinned_to_its_first_address(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, "127.0.0.9", "127.0.0.10")
    prepared = await prepare({"url": "https://shop.example/"})
    assert prepared.fields["pinnedAddress"] == "127.0.0.9"
    assert prepared.fields["host"] == "shop.example"


async def test_a_name_that_nobody_knows_is_unresolvable(prepare: Prepare) -> None:
    why, message = await reason(prepare({"url": "https://no-such-host.invalid/"}))
    assert why is FailureReason.TARGET_UNRESOLVABLE
    assert "no-such-host.invalid" in message


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Stand in for DNS, which tests cannot ask; the names that were looked up."""
    names: list[str] = []

    async def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        names.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return names


async def stored(store: ArtifactStore, content: bytes) -> dict[str, Any]:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    kept = await store.put("team-a", chunks(), max_bytes=64 * MIB)
    return {"artifact": {"digest": kept.digest}}


def archive(tmp_path: Path, *names: str) -> bytes:
    path, content = tmp_path / "made.tar.gz", tmp_path / "content"
    content.write_text("x")
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            tar.add(content, arcname=name)
    return path.read_bytes()


async def test_an_artifact_is_unpacked(
    prepare: Prepare, store: ArtifactStore, tmp_path: Path, run_directory: RunDirectory
) -> None:
    prepared = await prepare(await stored(store, archive(tmp_path, "a.py", "src/b.py")))
    assert tree(prepared.source) == {"a.py": "x", "src/b.py": "x"}
    assert not list(run_directory.path.glob("archive*"))


async def test_an_artifact_that_was_never_uploaded_is_missing(prepare: Prepare) -> None:
    digest = f"sha256:{hashlib.sha256(b'never').hexdigest()}"
    why, _ = await reason(prepare({"artifact": {"digest": digest}}))
    assert why is FailureReason.ARTIFACT_MISSING


async def test_another_namespaces_artifact_is_missing(prepare: Prepare, store: ArtifactStore, tmp_path: Path) -> None:
    target = await stored(store, archive(tmp_path, "a.py"))
    why, _ = await reason(prepare(target, namespace="team-b"))
    assert why is FailureReason.ARTIFACT_MISSING


async def test_an_artifact_that_leads_out_is_invalid(prepare: Prepare, store: ArtifactStore, tmp_path: Path) -> None:
    why, message = await reason(prepare(await stored(store, archive(tmp_path, "../evil"))))
    assert why is FailureReason.ARTIFACT_INVALID
    assert message == "'../evil' leads out of the archive"


async def test_an_artifact_that_is_no_archive_is_invalid(prepare: Prepare, store: ArtifactStore) -> None:
    why, _ = await reason(prepare(await stored(store, b"hello")))
    assert why is FailureReason.ARTIFACT_INVALID


async def test_an_artifact_that_unpacks_to_too_much_is_too_large(
    prepare: Prepare, store: ArtifactStore, tmp_path: Path
) -> None:
    zeros = tmp_path / "zeros"
    zeros.write_bytes(bytes(4 * MIB))
    with tarfile.open(tmp_path / "zeros.tgz", "w:gz") as tar:
        tar.add(zeros, arcname="zeros")
    why, _ = await reason(prepare(await stored(store, (tmp_path / "zeros.tgz").read_bytes()), max_bytes=MIB))
    assert why is FailureReason.SOURCE_TOO_LARGE


async def test_cancelling_a_fetch_leaves_no_process(
    sandbox: Sandbox, prepare: Prepare, listener: tuple[int, "asyncio.Future[bytes]"]
) -> None:
    port, first = listener
    task = asyncio.create_task(prepare(repository(f"git://127.0.0.1:{port}/shop")))
    await asyncio.wait_for(asyncio.shield(first), 10)
    task.cancel()
    with pytest.raises((asyncio.CancelledError, SecapiError)):
        await task
