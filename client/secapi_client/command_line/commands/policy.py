"""``secapi policy``."""

import typer

from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace, ObjectName
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.custom_resources import Policy

app = typer.Typer(no_args_is_help=True, help="What namespaces may scan, and how much.")

POLICIES = (
    Column[Policy]("NAMESPACE", lambda policy: policy.namespace),
    Column[Policy]("NAME", lambda policy: policy.name),
    Column[Policy]("TARGETS", lambda policy: "some" if policy.spec.get("allowedTargets") is not None else "any"),
    Column[Policy]("SCANNERS", lambda policy: _scanners(policy)),
    Column[Policy]("ACTIVE SCANS", lambda policy: policy.spec.get("maxActiveScans")),
    Column[Policy]("PRIORITY", lambda policy: policy.spec.get("maxPriority")),
)
POLICY = (
    Column[Policy]("namespace", lambda policy: policy.namespace),
    Column[Policy]("name", lambda policy: policy.name),
    Column[Policy]("targets", lambda policy: _targets(policy)),
    Column[Policy]("scanners", lambda policy: _scanners(policy)),
    Column[Policy]("active scans", lambda policy: policy.spec.get("maxActiveScans")),
    Column[Policy]("jobs per scan", lambda policy: policy.spec.get("maxJobsPerScan")),
    Column[Policy]("priority", lambda policy: policy.spec.get("maxPriority")),
    Column[Policy]("days kept", lambda policy: policy.spec.get("retentionDays")),
    Column[Policy]("created", lambda policy: time_text(policy.created_at)),
)


def _scanners(policy: Policy) -> str:
    scanners = policy.spec.get("scanners")
    return "any" if scanners is None else ",".join(scanners) or "none"


def _targets(policy: Policy) -> str:
    allowed = policy.spec.get("allowedTargets")
    if allowed is None:
        return "any"
    return ", ".join(entry for entries in allowed.values() for entry in entries) or "uploads only"


@app.command("list")
def list_policies(
    context: typer.Context, namespace: Namespace = None, all_namespaces: AllNamespaces = False, limit: Limit = 50
) -> None:
    """Policies by name."""
    session = Session.of(context)
    with session.client() as client:
        policies = client.policies.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces), limit=one_more(limit)
        )
        session.output.items(first(policies, limit, session.output), POLICIES)


@app.command()
def show(context: typer.Context, name: ObjectName, namespace: Namespace = None) -> None:
    """One policy; '-o yaml' has its spec in full."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.policies.get(session.required_namespace(namespace), name), POLICY)
