"""``secapi artifact``."""

from pathlib import Path
from typing import Annotated

import typer

from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.artifacts import Artifact

app = typer.Typer(no_args_is_help=True, help="Source archives to scan.")

ARTIFACTS = (
    Column[Artifact]("DIGEST", lambda artifact: artifact.digest),
    Column[Artifact]("NAMESPACE", lambda artifact: artifact.namespace),
    Column[Artifact]("BYTES", lambda artifact: artifact.size),
    Column[Artifact]("CREATED", lambda artifact: time_text(artifact.created_at)),
)
ARTIFACT = (
    Column[Artifact]("digest", lambda artifact: artifact.digest),
    Column[Artifact]("namespace", lambda artifact: artifact.namespace),
    Column[Artifact]("bytes", lambda artifact: artifact.size),
    Column[Artifact]("created", lambda artifact: time_text(artifact.created_at)),
)


@app.command()
def upload(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, help="A tar or zip archive, or a directory to pack.")],
    namespace: Namespace = None,
) -> None:
    """Upload what is to be scanned; its digest names it in scans. The same files again are the same artifact."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.artifacts.upload(path, namespace=session.namespace(namespace)), ARTIFACT)


@app.command("list")
def list_artifacts(
    context: typer.Context, namespace: Namespace = None, all_namespaces: AllNamespaces = False, limit: Limit = 50
) -> None:
    """Uploaded artifacts, newest first."""
    session = Session.of(context)
    with session.client() as client:
        artifacts = client.artifacts.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces), limit=one_more(limit)
        )
        session.output.items(first(artifacts, limit, session.output), ARTIFACTS)


@app.command()
def show(
    context: typer.Context, digest: Annotated[str, typer.Argument(help="sha256:…")], namespace: Namespace = None
) -> None:
    """What is known of an uploaded artifact."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.artifacts.get(digest, namespace=session.namespace(namespace)), ARTIFACT)
