"""``secapi scan submit`` and ``rerun``."""

from pathlib import Path
from typing import Annotated

import typer

from secapi_client.client import Client
from secapi_client.command_line.commands.scan.watching import follow_up
from secapi_client.command_line.options import Namespace, ScanId, Wait
from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.command_line.requests import Request, read_request
from secapi_client.command_line.session import Session
from secapi_client.command_line.words import Upload, parse_scanner, parse_target
from secapi_client.models.specs import ArtifactTarget, Gate, ScanSpec, Target
from secapi_client.models.words import Priority, Severity


def submit(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A ScanRequest or its spec, YAML or JSON; - for standard input.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            metavar="TARGET",
            help="https://…, host[:ports], ./path to upload, or KIND=… with url, host, repository (URL#ref:path), "
            "artifact (path or digest) or image. May be repeated.",
        ),
    ] = None,
    scanner: Annotated[
        list[str] | None,
        typer.Option(
            "--scanner",
            "-s",
            metavar="NAME[:PARAM=VALUE,…]",
            help="'secapi scanner list' shows what there is. May be repeated.",
        ),
    ] = None,
    namespace: Namespace = None,
    name: Annotated[str | None, typer.Option(help="Of the ScanRequest; otherwise made up.")] = None,
    artifact_name: Annotated[
        str | None, typer.Option(help="Under which findings are kept from one upload to the next, e.g. shop/backend.")
    ] = None,
    gate: Annotated[Severity | None, typer.Option(help="Fail on a finding of this severity or a worse one.")] = None,
    only_new: Annotated[
        bool, typer.Option("--only-new", help="The gate counts only findings that no earlier scan saw.")
    ] = False,
    priority: Annotated[Priority | None, typer.Option(help="What starts first.", show_default=False)] = None,
    timeout: Annotated[int | None, typer.Option(min=1, metavar="SECONDS", help="Of each job.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key with the same scan gives the scan that there is already.")
    ] = None,
    wait: Wait = False,
) -> None:
    """Submit a scan, from a file or from options.

    With --wait, exit code 1 means that it failed or was cancelled, 3 that the gate is not passed.
    """
    session = Session.of(context)
    if file is not None:
        if target or scanner or gate or only_new or priority or timeout or artifact_name:
            raise CommandFailed("--file says what to scan; with it only --namespace, --name and --wait are of use")
        wanted = read_request(file)
    else:
        spec = _spec(scanner or [], gate, priority, timeout, only_new=only_new)
        wanted = Request(spec)
    words = [parse_target(word) for word in target or []]
    _check_targets(words, artifact_name, given=file is None, only_new=only_new)
    place = session.required_namespace(namespace or wanted.namespace)
    with session.client() as client:
        wanted.spec["targets"] += [_uploaded(client, place, word, artifact_name) for word in words]
        submitted = client.scans.submit(place, wanted.spec, name=name or wanted.name, idempotency_key=idempotency_key)
        follow_up(session, client, submitted, wait=wait)


def rerun(context: typer.Context, scan: ScanId, wait: Wait = False) -> None:
    """Submit again what a scan was asked for, as a new scan; exit codes as those of 'secapi scan submit'."""
    session = Session.of(context)
    with session.client() as client:
        follow_up(session, client, client.scans.rerun(scan), wait=wait)


def _spec(
    scanners: list[str], gate: Severity | None, priority: Priority | None, timeout: int | None, *, only_new: bool
) -> ScanSpec:
    """What the options ask for, without targets."""
    if not scanners:
        raise CommandFailed("say what to scan with: --scanner NAME; 'secapi scanner list' shows what there is")
    if only_new and gate is None:
        raise CommandFailed("--only-new is about the gate: give --gate SEVERITY too")
    spec = ScanSpec(targets=[], scanners=[parse_scanner(word) for word in scanners])
    if gate is not None:
        spec["gate"] = Gate(failOn=gate, onlyNew=only_new)
    if priority is not None:
        spec["priority"] = priority
    if timeout is not None:
        spec["timeoutSeconds"] = timeout
    return spec


def _check_targets(words: list[Target | Upload], artifact_name: str | None, *, given: bool, only_new: bool) -> None:
    if given and not words:
        raise CommandFailed("say what to scan: --target https://…, a host, or a path like ./src")
    uploads = sum(isinstance(word, Upload) for word in words)
    if artifact_name is not None and uploads != 1:
        raise CommandFailed("--artifact-name is the name of one path to upload, like --target ./src")
    if only_new and uploads and artifact_name is None:
        raise CommandFailed("give --artifact-name: without a name each upload is a new target, and all in it is new")


def _uploaded(client: Client, namespace: str, word: Target | Upload, name: str | None) -> Target:
    """The target, with what it names on this machine uploaded."""
    if not isinstance(word, Upload):
        return word
    target = ArtifactTarget(digest=client.artifacts.upload(word.path, namespace=namespace).digest)
    if name is not None:
        target["name"] = name
    return Target(artifact=target)
