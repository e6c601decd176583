"""``values.schema.json``: its structure is written by hand, and these parts of it are filled in.

- A value's description is the comment in ``values.yaml``.
- ``settings`` of a component are those of its settings class, with their bounds: Helm refuses what the process would.
- A worker pool may set whatever is in ``workers.defaults``.
"""

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import create_model
from pydantic.alias_generators import to_camel

from secapi_dev.chart.comments import Documented
from secapi_dev.settings_reference import COMPONENTS, meaning, variables

Schema = dict[str, Any]

PREFIX = "SECAPI_"
SETTINGS = {"apiSettings": "secapi-api", "operatorSettings": "secapi-operator", "workerSettings": "secapi-worker"}

# What the chart itself decides: addresses and secrets, and what has a value of its own.
FIXED = {
    "SECAPI_API_HOST",
    "SECAPI_API_KEY_PEPPER",
    "SECAPI_API_PORT",
    "SECAPI_ARTIFACT_URL",
    "SECAPI_DATABASE_URL",
    "SECAPI_DENIED_CIDRS",
    "SECAPI_DRAIN_SECONDS",
    "SECAPI_LOG_LEVEL",
    "SECAPI_OIDC_ALGORITHMS",
    "SECAPI_OIDC_AUDIENCE",
    "SECAPI_OIDC_ISSUER",
    "SECAPI_OPERATOR_CATALOGUE_DIR",
    "SECAPI_OPERATOR_LEASE_NAME",
    "SECAPI_OPERATOR_PROBE_HOST",
    "SECAPI_OPERATOR_PROBE_PORT",
    "SECAPI_REDIS_URL",
    "SECAPI_WEBHOOK_ALLOWED_CIDRS",
    "SECAPI_WEBHOOK_ALLOW_HTTP",
    "SECAPI_WEBHOOK_KEY",
    "SECAPI_WORKDIR",
    "SECAPI_WORKER_CONCURRENCY",
    "SECAPI_WORKER_METRICS_HOST",
    "SECAPI_WORKER_METRICS_PORT",
    "SECAPI_WORKER_POOLS",
}


def filled_in(schema: Schema, values: Iterable[Documented]) -> Schema:
    """``schema`` with the parts that are not written by hand."""
    schema = deepcopy(schema)
    for value in values:
        _describe(schema, value)
    definitions = schema["definitions"]
    definitions |= {name: _settings(component) for name, component in SETTINGS.items()}
    definitions["workerPool"]["properties"] |= schema["properties"]["workers"]["properties"]["defaults"]["properties"]
    return schema


def text(schema: Schema) -> str:
    """The schema as it is kept."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _describe(schema: Schema, value: Documented) -> None:
    """Set the description of a value's own place; what several values share is described where it is defined."""
    node = schema
    for key in value.path:
        inner = node.get("properties", {}).get(key)
        if inner is None:
            return
        node = inner
    node["description"] = value.comment


def _settings(component: str) -> Schema:
    """What may be set of a component, by its variable's name in camel case and without the prefix."""
    offered = {
        to_camel(name.removeprefix(PREFIX).lower()): (name, field)
        for name, field in variables(COMPONENTS[component])
        if name.startswith(PREFIX) and name not in FIXED
    }
    fields: Any = {key: (field.annotation, field) for key, (_, field) in offered.items()}
    properties = create_model(component, **fields).model_json_schema()["properties"]
    for key, (name, field) in offered.items():
        properties[key]["description"] = meaning(name, field)
        del properties[key]["title"]
    return {"type": "object", "additionalProperties": False, "properties": properties}
