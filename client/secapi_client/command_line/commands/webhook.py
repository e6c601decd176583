"""``secapi webhook``."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace, duration
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.webhooks import Delivery, IssuedWebhook, Webhook

app = typer.Typer(no_args_is_help=True, help="Addresses that are told of what happens.")

ENDS = ("scan.succeeded", "scan.failed", "scan.cancelled")

WebhookId = Annotated[UUID, typer.Argument(metavar="WEBHOOK", help="The webhook's id.", show_default=False)]
DeliveryId = Annotated[UUID, typer.Argument(metavar="DELIVERY", help="The delivery's id.", show_default=False)]

WEBHOOKS = (
    Column[Webhook]("ID", lambda webhook: webhook.id),
    Column[Webhook]("NAMESPACE", lambda webhook: webhook.namespace),
    Column[Webhook]("EVENTS", lambda webhook: ",".join(webhook.events)),
    Column[Webhook]("ENABLED", lambda webhook: webhook.disabled_reason or "yes"),
    Column[Webhook]("URL", lambda webhook: webhook.url, cut=True),
)
DELIVERIES = (
    Column[Delivery]("ID", lambda delivery: delivery.id),
    Column[Delivery]("EVENT", lambda delivery: delivery.event),
    Column[Delivery]("STATE", lambda delivery: delivery.state),
    Column[Delivery]("ATTEMPTS", lambda delivery: delivery.attempts),
    Column[Delivery]("STATUS", lambda delivery: delivery.status_code),
    Column[Delivery]("REASON", lambda delivery: delivery.reason),
    Column[Delivery]("CREATED", lambda delivery: time_text(delivery.created_at)),
    Column[Delivery]("NEXT", lambda delivery: time_text(delivery.next_attempt_at)),
)


@app.command("list")
def list_webhooks(
    context: typer.Context, namespace: Namespace = None, all_namespaces: AllNamespaces = False, limit: Limit = 50
) -> None:
    """Webhooks, newest first, without their secrets: of one namespace for its admins, of all for the platform's."""
    session = Session.of(context)
    with session.client() as client:
        webhooks = client.webhooks.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces), limit=one_more(limit)
        )
        session.output.items(first(webhooks, limit, session.output), WEBHOOKS)


@app.command()
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="What it is told of. May be repeated.", show_default="every end of a scan"),
    ] = None,
    description: Annotated[str, typer.Option(help="What people know it by.")] = "",
    namespace: Namespace = None,
) -> None:
    """Have an address told, and show the secret to verify that by, this once, alone on standard output."""
    session = Session.of(context)
    place = session.required_namespace(namespace)
    with session.client() as client:
        issued = client.webhooks.create(url, namespace=place, events=event or ENDS, description=description)
    _show(session, issued)


@app.command()
def enable(context: typer.Context, webhook: WebhookId) -> None:
    """Tell a disabled webhook again, and forgive what failed; what happened meanwhile is not sent."""
    session = Session.of(context)
    with session.client() as client:
        session.output.items([client.webhooks.enable(webhook)], WEBHOOKS)


@app.command()
def disable(context: typer.Context, webhook: WebhookId) -> None:
    """Tell a webhook nothing until it is enabled again; what is due to it ends without being sent."""
    session = Session.of(context)
    with session.client() as client:
        session.output.items([client.webhooks.disable(webhook)], WEBHOOKS)


@app.command("rotate-secret")
def rotate_secret(
    context: typer.Context,
    webhook: WebhookId,
    grace: Annotated[
        timedelta,
        typer.Option(
            parser=duration, metavar="DURATION", help="How long the old one signs as well.", show_default="24h"
        ),
    ] = timedelta(days=1),
) -> None:
    """Exchange the secret, and show the new one as 'create' does."""
    session = Session.of(context)
    with session.client() as client:
        issued = client.webhooks.rotate_secret(webhook, grace=grace)
    _show(session, issued)


@app.command()
def ping(context: typer.Context, webhook: WebhookId) -> None:
    """Have 'webhook.ping' sent, once."""
    session = Session.of(context)
    with session.client() as client:
        session.output.items([client.webhooks.ping(webhook)], DELIVERIES)


@app.command()
def delete(context: typer.Context, webhook: WebhookId) -> None:
    """Forget a webhook and everything that it was told."""
    session = Session.of(context)
    with session.client() as client:
        client.webhooks.delete(webhook)
    session.output.say(f"deleted webhook {webhook}")


@app.command()
def deliveries(
    context: typer.Context,
    webhook: WebhookId,
    state: Annotated[str | None, typer.Option(help="Only pending, delivered or failed ones.")] = None,
    event: Annotated[str | None, typer.Option(help="Only of this event, e.g. scan.failed.")] = None,
    limit: Limit = 50,
) -> None:
    """What a webhook was told, newest first."""
    session = Session.of(context)
    with session.client() as client:
        told = client.webhooks.deliveries(webhook, state=state, event=event, limit=one_more(limit))
        session.output.items(first(told, limit, session.output), DELIVERIES)


@app.command()
def replay(context: typer.Context, webhook: WebhookId, delivery: DeliveryId) -> None:
    """Send an event again, in a delivery of its own."""
    session = Session.of(context)
    with session.client() as client:
        session.output.items([client.webhooks.replay(webhook, delivery)], DELIVERIES)


def _show(session: Session, issued: IssuedWebhook) -> None:
    session.output.word(issued, issued.secret)
    session.output.say(f"this is the secret of webhook {issued.id}; it is shown only this once")
