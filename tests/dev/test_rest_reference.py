"""The references of REST and of the custom resources: nothing is missing, and what they add to the schemas is true."""

import re

import pytest

from every_route import ROUTES, Access
from secapi_dev import resources_reference, rest_reference
from secapi_dev.rest_reference import ANYBODY, EVERYWHERE, Operation, operations

OPERATIONS = {(operation.method, operation.path): operation for operation in operations()}
PAGE = rest_reference.document()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_role_that_is_told_is_the_one_it_takes(route: Access) -> None:
    operation = next(operation for operation in OPERATIONS.values() if called(operation) == called(route))
    takes = {ANYBODY: ("viewer", False), EVERYWHERE: ("admin", True)}
    told = operation.role()
    assert takes.get(told, (told.strip("`"), False)) == (route.role, route.platform)


def called(route: Operation | Access) -> tuple[str, str]:
    """Method and path, whatever parameters are called."""
    return route.method, re.sub(r"{\w+}", "{}", route.path)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.described["operationId"])
def test_an_operation_is_told_with_its_id_and_who_may_use_it(operation: Operation) -> None:
    section = PAGE.partition(f"\n### {operation.method} {operation.path}\n")[2].partition("\n### ")[0]
    assert f"`{operation.described['operationId']}` · {operation.access()}" in section
    assert operation.described["description"].splitlines()[0].replace("``", "`") in section


@pytest.mark.parametrize("page", [PAGE, resources_reference.document()], ids=["rest", "resources"])
def test_every_link_leads_to_a_heading(page: str) -> None:
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    headings = [re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles]
    assert len(set(headings)) == len(headings)
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= set(headings)


@pytest.mark.parametrize("page", [PAGE, resources_reference.document()], ids=["rest", "resources"])
def test_no_cell_breaks_its_table(page: str) -> None:
    columns = 0
    for line in page.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert cells == columns or not (cells and columns), line
        columns = cells


def test_every_field_of_a_resource_is_told() -> None:
    page = resources_reference.document()
    for field in ("spec.targets[].artifact.digest", "status.conditions[].reason", "spec.scanTemplate.spec"):
        assert f"| `{field}`" in page
