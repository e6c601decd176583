"""The schema and the values agree, and a component accepts whatever the schema lets through."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from rendering import VALUES, Rendering, environment, render
from secapi_api.settings import ApiSettings
from secapi_dev import paths
from secapi_dev.chart.schema import FIXED, PREFIX, SETTINGS
from secapi_dev.charttools.templating import Helm
from secapi_dev.settings_reference import COMPONENTS, variables
from secapi_operator.settings import OperatorSettings
from secapi_workers.settings import WorkerSettings

SCHEMA = json.loads((paths.CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((paths.CHART / "values.yaml").read_text())

# Where a component's settings are, and the container that gets them.
PLACES = {
    "apiSettings": ("api.settings", "api"),
    "operatorSettings": ("operator.settings", "operator"),
    "workerSettings": ("workers.pools.code.settings", "worker-code"),
}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return SCHEMA["definitions"][reference.rpartition("/")[2]] if reference else schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every place that may hold a value: path, what stands there, and what it refers to."""
    target = resolved(schema)
    yield path, schema, target
    for name, inner in target.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(inner := target.get(keyword), dict):
            yield from nodes(inner, f"{path}[]")
    for inner in (*target.get("anyOf", []), *target.get("patternProperties", {}).values()):
        yield from nodes(inner, f"{path}[]")


NODES = list(nodes(SCHEMA))


def test_every_value_is_described() -> None:
    silent = [
        path
        for path, place, target in NODES
        if not path.endswith("[]")
        and not (place.get("description") or target.get("description") or "properties" in target)
    ]
    assert silent == []


def test_no_object_takes_properties_that_it_does_not_know() -> None:
    open_objects = {
        path for path, _, target in NODES if "properties" in target and target.get("additionalProperties") is not False
    }
    assert open_objects == {".global"}


def test_every_default_has_a_place_in_the_schema() -> None:
    known = {path for path, _, _ in NODES}

    def unknown(values: dict[str, Any], path: str = "") -> Iterator[str]:
        for name, value in values.items():
            inner = f"{path}.{name}"
            inner = inner if inner in known else f"{path}[]"
            if inner not in known:
                yield f"{path}.{name}"
            elif isinstance(value, dict):
                yield from unknown(value, inner)

    assert list(unknown(DEFAULTS)) == []


def test_every_definition_is_used() -> None:
    text = json.dumps(SCHEMA)
    assert [name for name in SCHEMA["definitions"] if f'"#/definitions/{name}"' not in text] == []


@pytest.mark.parametrize("definition", SETTINGS)
async def test_every_setting_reaches_its_variable(definition: str, helm: Helm) -> None:
    value, container = PLACES[definition]
    properties = SCHEMA["definitions"][definition]["properties"]
    settings = {f"{value}.{name}": schema["default"] for name, schema in properties.items()}
    rendered = environment((await render(helm, VALUES["external"], settings=settings)).container(container))

    offered = {
        name: field.default
        for name, field in variables(COMPONENTS[SETTINGS[definition]])
        if name.startswith(PREFIX) and name not in FIXED
    }
    assert {name: meant(rendered[name]) for name in offered} == {name: plain(value) for name, value in offered.items()}


def meant(text: str) -> object:
    """A number or a list if it is one."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def plain(value: object) -> object:
    """A default as JSON has it."""
    match value:
        case int() | float():
            return value
        case tuple():
            return list(value)
        case _:
            return str(value)


@pytest.mark.parametrize(
    ("settings_class", "container"),
    [(ApiSettings, "api"), (OperatorSettings, "operator"), (WorkerSettings, "worker-code")],
)
@pytest.mark.parametrize("values", VALUES)
def test_a_component_accepts_its_environment(
    settings_class: type[ApiSettings | OperatorSettings | WorkerSettings],
    container: str,
    values: str,
    renderings: dict[str, Rendering],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    specification = renderings[values].container(container)
    for variable in specification["env"]:
        monkeypatch.setenv(variable["name"], variable.get("value", "redis://from-elsewhere/0"))
    settings_class()
