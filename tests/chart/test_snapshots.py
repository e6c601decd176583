"""What the chart renders is what was looked at when it was last changed; ``make snapshots`` writes it again.

Left out is what comes from files that have tests of their own (resource types, alerts, dashboards, scanners, scripts),
and what is made at random.
"""

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy

import pytest
import yaml

from rendering import DATA, VALUES, Object, Rendering

UPDATE = "SECAPI_UPDATE_SNAPSHOTS"
SNAPSHOTS = DATA / "snapshots"


@pytest.mark.parametrize("values", VALUES)
def test_rendering_is_what_it_was(values: str, renderings: Mapping[str, Rendering]) -> None:
    rendered = yaml.dump_all(
        shown(renderings[values].objects), Dumper=yaml.CSafeDumper, sort_keys=False, width=120, allow_unicode=True
    )
    path = SNAPSHOTS / f"{values}.yaml"
    if os.environ.get(UPDATE):
        path.write_text(rendered)
    assert rendered == path.read_text(), "run make snapshots and look at what changed"


def test_every_snapshot_is_of_a_set_of_values() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.yaml")} == VALUES.keys()


def shown(objects: list[Object]) -> Iterator[Object]:
    for found in deepcopy(objects):
        match found["kind"]:
            case "CustomResourceDefinition" | "PrometheusRule":
                continue
            case "ConfigMap" if "grafana_dashboard" in found["metadata"]["labels"]:
                continue
            case "ConfigMap":
                found["data"] = dict.fromkeys(found["data"], "(from a file)")
            case "Secret":
                found["data"] = dict.fromkeys(found["data"], "(random)")
            case "Deployment" | "StatefulSet":
                annotations = found["spec"]["template"]["metadata"].get("annotations", {})
                annotations |= {name: "(of a file)" for name in annotations if name.startswith("checksum/")}
        yield found
