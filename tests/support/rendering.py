"""The chart as tests render it: one release, several sets of values."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from secapi_dev import paths
from secapi_dev.charttools.templating import Helm

Object = dict[str, Any]

DATA = paths.CHECKOUT / "tests" / "data" / "chart"
VALUES = {path.stem: path for path in sorted((DATA / "values").glob("*.yaml"))}

# A release whose name does not hold the chart's, so that names are made of both.
RELEASE = "acme"
FULLNAME = "acme-secapi"
NAMESPACE = "scanning"


@dataclass(frozen=True)
class Rendering:
    """What Helm makes of one set of values."""

    text: str
    objects: list[Object]

    @classmethod
    def of(cls, text: str) -> "Rendering":
        """Parse what Helm printed."""
        return cls(text, objects_of(text))

    def kind(self, *kinds: str) -> list[Object]:
        """The objects of these kinds."""
        return [found for found in self.objects if found["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        """The object of a kind whose name is the release's and ``name``."""
        [found] = [found for found in self.kind(kind) if found["metadata"]["name"] == f"{FULLNAME}-{name}"]
        return found

    def pods(self) -> Iterator[Object]:
        """Every pod that the objects make, as a Pod with the name of what makes it."""
        for found in self.kind("Deployment", "StatefulSet", "Job"):
            template = found["spec"]["template"]
            labels, annotations = template["metadata"]["labels"], template["metadata"].get("annotations", {})
            yield pod(found["metadata"]["name"], template["spec"], labels=labels, annotations=annotations)
        for found in self.kind("Pod"):
            yield pod(found["metadata"]["name"], found["spec"], labels=found["metadata"]["labels"])

    def pod(self, name: str) -> Object:
        """The Pod that one of these makes."""
        [found] = [found for found in self.pods() if found["metadata"]["name"] == f"{FULLNAME}-{name}"]
        return found

    def container(self, name: str) -> Object:
        """The first container of a pod."""
        container: Object = self.pod(name)["spec"]["containers"][0]
        return container


def objects_of(text: str) -> list[Object]:
    """The objects of a YAML text, read by the C library: in Python the resource types alone take 0.3 s."""
    return [found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found]


def manifest(*objects: Object) -> str:
    """Objects as kubectl reads them from standard input."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def pod(name: str, spec: Object, *, labels: Object, annotations: Object | None = None) -> Object:
    """A Pod in the release's namespace."""
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def environment(container: Object) -> dict[str, str]:
    """The variables of a container that have their value in its specification."""
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}


def secrets(container: Object) -> dict[str, tuple[str, str]]:
    """The variables that come from a Secret, with its name and key."""
    references = {
        variable["name"]: variable["valueFrom"]["secretKeyRef"]
        for variable in container["env"]
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    return {name: (reference["name"], reference["key"]) for name, reference in references.items()}


def options(settings: Mapping[str, object]) -> list[str]:
    """Helm's options that set single values, by their paths."""
    return [part for path, value in settings.items() for part in ("--set-json", f"{path}={json.dumps(value)}")]


async def render(
    helm: Helm, *values: Path, settings: Mapping[str, object] | None = None, chart: Path = paths.CHART
) -> Rendering:
    """Render files of values, with single ``settings`` over them; ``StackError`` has what Helm complains about."""
    given = options(settings or {})
    return Rendering.of(await helm.template(chart, *values, release=RELEASE, namespace=NAMESPACE, options=given))
