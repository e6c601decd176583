"""``secapi-dev bench``."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from secapi_dev import paths
from secapi_dev.bench import machine, report
from secapi_dev.bench.laboratory import Figures
from secapi_dev.bench.parts import Part, run
from secapi_dev.progress import Progress


def command(
    parts: Annotated[list[Part] | None, typer.Argument(help="What to measure; everything if nothing is named.")] = None,
    scale: Annotated[
        float,
        typer.Option(
            min=0.001,
            max=1.0,
            help="For a look: only this part of the clients, requests, rows and seconds of reads, streams, stampede, "
            "mixed and endurance. Their budgets say nothing then.",
        ),
    ] = 1.0,
) -> None:
    """Measure a fresh stack on this machine: print a table, write build/bench.json."""
    facts = machine.facts() | {"scale": scale}
    figures: dict[Part, Figures] = {}
    try:
        asyncio.run(run(parts or list(Part), figures, facts, Progress(), scale=scale))
    finally:
        Console().print(report.table(figures))
        report.write(figures, facts, paths.CHECKOUT / "build" / "bench.json")
