"""``values.schema.json``: its structure is written by hand, and these parts of it are filled in.

- A value's description is the comment in ``values.yaml``.
- ``settings`` of a component are those of its settings class, with their bounds: Helm refuses what the process would.
- A worker pool may set whatever is in ``workers.defaults``.
"""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from secapi_dev.chart.comments import Documented
from secapi_dev.settings_reference import COMPONENTS, meaning, variables

Schema = dict[str, Any]

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
    "SECAPI_OPERATOR_CATALOGUE_DIR",
    "SECAPI_OPERATOR_LEASE_NAME",
    "SECAPI_OPERATOR_PROBE_HOST",
    "SECAPI_OPERATOR_PROBE_PORT",
    "SECAPI_REDIS_URL",
    "SECAPI_WORKDIR",
    "SECAPI_WORKER_CONCURRENCY",
    "SECAPI_WORKER_METRICS_HOST",
    "SECAPI_WORKER_METRICS_PORT",
    "SECAPI_WORKER_POOLS",
}
