"""The commands of ``secapi scan``."""

import typer

from secapi_client.command_line.commands.scan.ending import cancel, delete
from secapi_client.command_line.commands.scan.reading import findings, jobs, list_scans, show
from secapi_client.command_line.commands.scan.submitting import rerun, submit
from secapi_client.command_line.commands.scan.watching import watch

app = typer.Typer(no_args_is_help=True, help="Runs of scanners over targets.")
app.command("submit")(submit)
app.command("rerun")(rerun)
app.command("watch")(watch)
app.command("list")(list_scans)
app.command("show")(show)
app.command("jobs")(jobs)
app.command("findings")(findings)
app.command("cancel")(cancel)
app.command("delete")(delete)
