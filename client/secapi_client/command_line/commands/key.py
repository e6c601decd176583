"""``secapi key``."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Expires, Limit, Namespace, duration
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.api_keys import ApiKey, IssuedApiKey
from secapi_client.models.words import Role

app = typer.Typer(no_args_is_help=True, help="API keys for programs.")

KeyId = Annotated[UUID, typer.Argument(metavar="KEY", help="The key's id.", show_default=False)]

COLUMNS = (
    Column[ApiKey]("ID", lambda key: key.id),
    Column[ApiKey]("NAMESPACE", lambda key: key.namespace or "(platform)"),
    Column[ApiKey]("NAME", lambda key: key.name),
    Column[ApiKey]("PREFIX", lambda key: key.prefix),
    Column[ApiKey]("ROLE", lambda key: key.role),
    Column[ApiKey]("SCOPES", lambda key: ",".join(key.scopes) or "all"),
    Column[ApiKey]("USED", lambda key: time_text(key.last_used_at)),
    Column[ApiKey]("EXPIRES", lambda key: time_text(key.expires_at)),
    Column[ApiKey]("REVOKED", lambda key: time_text(key.revoked_at)),
)


@app.command("list")
def list_keys(
    context: typer.Context,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that are revoked or expired.")] = False,
    limit: Limit = 50,
) -> None:
    """Keys, newest first, without their secrets: of one namespace for its admins, of all for the platform's."""
    session = Session.of(context)
    with session.client() as client:
        keys = client.api_keys.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces),
            active=not ended,
            limit=one_more(limit),
        )
        session.output.items(first(keys, limit, session.output), COLUMNS)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What people know it by, e.g. 'ci of the shop'.")],
    role: Annotated[Role, typer.Option(help="What it may do; each may do what those before it may.")],
    namespace: Namespace = None,
    platform: Annotated[bool, typer.Option("--platform", help="For every namespace, not one.")] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP:read|write", help="Good for only this, e.g. scans:write. May be repeated."),
    ] = None,
    expires: Expires = None,
) -> None:
    """Make a key and show its secret, this once, alone on standard output."""
    session = Session.of(context)
    place = None if platform else session.required_namespace(namespace)
    with session.client() as client:
        issued = client.api_keys.create(name, namespace=place, role=role, scopes=scope or (), expires_at=expires)
    _show(session, issued)


@app.command()
def rotate(
    context: typer.Context,
    key: KeyId,
    grace: Annotated[
        timedelta,
        typer.Option(
            parser=duration,
            metavar="DURATION",
            help="How long the old one goes on, e.g. 24h.",
            show_default="not at all",
        ),
    ] = timedelta(),
    expires: Expires = None,
) -> None:
    """Exchange a key for another one that may do the same, and show the new one's secret as 'create' does."""
    session = Session.of(context)
    with session.client() as client:
        issued = client.api_keys.rotate(key, grace=grace, expires_at=expires)
    _show(session, issued)


@app.command()
def revoke(context: typer.Context, key: KeyId) -> None:
    """Make a key worthless at once."""
    session = Session.of(context)
    with session.client() as client:
        client.api_keys.revoke(key)
    session.output.say(f"revoked key {key}")


def _show(session: Session, issued: IssuedApiKey) -> None:
    session.output.word(issued, issued.secret)
    session.output.say(f"this is the secret of key {issued.id}; it is shown only this once")
