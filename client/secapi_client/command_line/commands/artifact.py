"""``secapi artifact``."""

from pathlib import Path
from typing import Annotated

import typer

from secapi_client.command_line.options import Namespace
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.artifacts import Artifact

app = typer.Typer(no_args_is_help=True, help="Source archives to scan.")

COLUMNS = (
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
        session.output.one(client.artifacts.upload(path, namespace=session.namespace(namespace)), COLUMNS)


@app.command()
def show(
    context: typer.Context, digest: Annotated[str, typer.Argument(help="sha256:…")], namespace: Namespace = None
) -> None:
    """What is known of an uploaded artifact."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.artifacts.get(digest, namespace=session.namespace(namespace)), COLUMNS)
