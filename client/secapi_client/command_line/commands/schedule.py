"""``secapi schedule``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from secapi_client.command_line.commands.scan.columns import target_name
from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace, ObjectName
from secapi_client.command_line.output import Column
from secapi_client.command_line.requests import read_schedule
from secapi_client.command_line.session import Session
from secapi_client.models.custom_resources import Schedule

app = typer.Typer(no_args_is_help=True, help="Scans at fixed times.")

SCHEDULES = (
    Column[Schedule]("NAMESPACE", lambda schedule: schedule.namespace),
    Column[Schedule]("NAME", lambda schedule: schedule.name),
    Column[Schedule]("SCHEDULE", lambda schedule: schedule.spec.get("schedule")),
    Column[Schedule]("TIME ZONE", lambda schedule: schedule.spec.get("timeZone")),
    Column[Schedule]("SUSPENDED", lambda schedule: _suspended(schedule)),
    Column[Schedule]("LAST", lambda schedule: schedule.status.get("lastScheduleTime")),
    Column[Schedule]("NEXT", lambda schedule: schedule.status.get("nextScheduleTime")),
)
SCHEDULE = (
    Column[Schedule]("namespace", lambda schedule: schedule.namespace),
    Column[Schedule]("name", lambda schedule: schedule.name),
    Column[Schedule]("schedule", lambda schedule: schedule.spec.get("schedule")),
    Column[Schedule]("time zone", lambda schedule: schedule.spec.get("timeZone")),
    Column[Schedule]("suspended", lambda schedule: _suspended(schedule)),
    Column[Schedule]("targets", lambda schedule: ", ".join(map(target_name, _template(schedule).get("targets", [])))),
    Column[Schedule](
        "scanners", lambda schedule: ", ".join(use["name"] for use in _template(schedule).get("scanners", []))
    ),
    Column[Schedule]("last", lambda schedule: schedule.status.get("lastScheduleTime")),
    Column[Schedule]("next", lambda schedule: schedule.status.get("nextScheduleTime")),
)


def _suspended(schedule: Schedule) -> str:
    return "yes" if schedule.spec.get("suspend") else "no"


def _template(schedule: Schedule) -> dict[str, Any]:
    spec: dict[str, Any] = schedule.spec.get("scanTemplate", {}).get("spec", {})
    return spec


@app.command("list")
def list_schedules(
    context: typer.Context, namespace: Namespace = None, all_namespaces: AllNamespaces = False, limit: Limit = 50
) -> None:
    """Schedules by name."""
    session = Session.of(context)
    with session.client() as client:
        schedules = client.schedules.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces), limit=one_more(limit)
        )
        session.output.items(first(schedules, limit, session.output), SCHEDULES)


@app.command()
def show(context: typer.Context, name: ObjectName, namespace: Namespace = None) -> None:
    """One schedule; '-o yaml' has its spec in full."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.schedules.get(session.required_namespace(namespace), name), SCHEDULE)


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", "-f", help="A ScanSchedule, YAML or JSON; - for standard input.")],
    namespace: Namespace = None,
) -> None:
    """Create the schedule of a file, or replace the one of its name."""
    session = Session.of(context)
    wanted = read_schedule(file)
    place = session.required_namespace(namespace or wanted.namespace)
    with session.client() as client:
        session.output.one(client.schedules.apply(place, wanted.name, wanted.spec), SCHEDULE)


@app.command()
def suspend(context: typer.Context, name: ObjectName, namespace: Namespace = None) -> None:
    """Start no further runs of a schedule; one that is under way goes on."""
    _suspend(context, name, namespace, suspended=True)


@app.command()
def resume(context: typer.Context, name: ObjectName, namespace: Namespace = None) -> None:
    """Start the runs of a suspended schedule again."""
    _suspend(context, name, namespace, suspended=False)


def _suspend(context: typer.Context, name: str, namespace: str | None, *, suspended: bool) -> None:
    session = Session.of(context)
    place = session.required_namespace(namespace)
    with session.client() as client:
        session.output.one(client.schedules.suspend(place, name, suspended=suspended), SCHEDULE)


@app.command()
def delete(context: typer.Context, name: ObjectName, namespace: Namespace = None) -> None:
    """End a schedule."""
    session = Session.of(context)
    place = session.required_namespace(namespace)
    with session.client() as client:
        client.schedules.delete(place, name)
    session.output.say(f"deleted schedule {place}/{name}")
