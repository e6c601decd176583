"""Every alert has its runbook, and what a runbook tells to run can be run."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger_factories import make_database
from monitoring import RUNBOOKS, alerts, fenced

PAGES = {page.stem: page for page in sorted(RUNBOOKS.glob("Secapi*.md"))}
STATEMENTS = [
    pytest.param(statement, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, statement in enumerate(fenced(page.read_text(), "sql"), start=1)
]
HEADINGS = ["What it means", "How to look", "Usual causes", "What to do", "How to see that it is over"]


def test_there_is_one_page_for_each_alert() -> None:
    assert PAGES.keys() == alerts().keys()


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_leads_from_the_meaning_to_the_end(page: Path) -> None:
    content = page.read_text()
    assert content.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.*)$", content, re.MULTILINE) == HEADINGS
    assert fenced(content, "promql")


@pytest.mark.parametrize("page", [*PAGES.values(), RUNBOOKS / "README.md"], ids=[*PAGES, "README"])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_the_ledger_understands_the_statements(statement: str, database_url: str) -> None:
    database = make_database(database_url, connections=1)
    async with database.transaction() as session:
        await session.execute(text(statement.strip().rstrip(";").replace(":", r"\:")))
    await database.close()
