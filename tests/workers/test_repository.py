"""Repositories from a real git server that nobody trusts: a tree of plain files, or a typed reason."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prepared_targets import Prepare, reason, tree
from secapi_core.crds.scanrequest import Target
from secapi_core.errors import SecapiError
from secapi_core.failures import FailureReason
from secapi_core.targets import Scope, canonical
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import RunDirectory
from secapi_workers.sources.repository import Checkout

MIB = 1024 * 1024


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
            time.sleep(0.02)  # polling with a deadline: the daemon does not tell when it listens
        yield f"git://localhost:{port}"
        server.terminate()


def repository(url: str, **fields: str) -> dict[str, Any]:
    return {"repository": {"url": url, **fields}}


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


async def test_cancelling_a_fetch_leaves_no_process(
    sandbox: Sandbox, prepare: Prepare, listener: tuple[int, "asyncio.Future[bytes]"]
) -> None:
    port, first = listener
    task = asyncio.create_task(prepare(repository(f"git://127.0.0.1:{port}/shop")))
    await asyncio.wait_for(asyncio.shield(first), 10)
    task.cancel()
    with pytest.raises((asyncio.CancelledError, SecapiError)):
        await task
