"""Bodies and answers of ``/v1/scanners``. Fields that a Scanner has too are named as there."""

from typing import Annotated, Any

from pydantic import ConfigDict

from secapi_api.custom_resources.schemas import CustomResource, NewResource, NewSpec
from secapi_api.schemas import JsonOf, Schema
from secapi_core.crds.scanner import OutputFormat, ScannerSpec
from secapi_core.crds.scanrequest import TargetType

EXAMPLE_SPEC: dict[str, Any] = {
    "title": "Nmap, quick",
    "description": "The most common TCP ports of a host.",
    "family": "nmap",
    "targetTypes": ["host"],
    "pool": "network",
    "parametersSchema": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"topPorts": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}},
    },
    "command": "nmap",
    "arguments": [
        {"values": ["-sT", "-n", "-Pn", "--top-ports", "{parameters.topPorts}", "-oX", "{output}"]},
        {"values": ["{target.address}"]},
    ],
    "output": {"format": "nmap-xml"},
}


class ScannerSummary(Schema):
    """What a caller needs to know of a scanner to use it."""

    name: str
    """What a scan's ``spec.scanners[].name`` says."""

    title: str
    description: str
    family: str
    """Scanners of one family report the same findings: a finding keeps its identity when one replaces the other."""

    target_types: list[TargetType]
    parameters_schema: dict[str, Any]
    """JSON Schema of ``spec.scanners[].parameters``."""

    output_format: OutputFormat
    pool: str
    """The workers that run it."""

    @classmethod
    def of(cls, name: str, spec: ScannerSpec) -> "ScannerSummary":
        """From a catalogue entry."""
        return cls(
            name=name,
            title=spec.title,
            description=spec.description,
            family=spec.family or name,
            target_types=spec.target_types,
            parameters_schema=spec.parameters_schema,
            output_format=spec.output.format,
            pool=spec.pool,
        )


class Scanner(CustomResource):
    """One entry of the catalogue and how its tool is run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "nmap-quick",
                    "spec": EXAMPLE_SPEC,
                    "createdAt": "2026-11-26T09:30:00Z",
                    "generation": 1,
                    "resourceVersion": "48213",
                }
            ]
        }
    )

    spec: Annotated[dict[str, Any], JsonOf(ScannerSpec)]
    """How to run the tool and read what it reports."""


class CreateScanner(NewResource[ScannerSpec]):
    """A scanner to add to the catalogue: a Scanner without its Kubernetes frame."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "nmap-quick", "spec": EXAMPLE_SPEC}]})


class ReplaceScanner(NewSpec[ScannerSpec]):
    """How the tool is run from now on; what is left out gets its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"spec": EXAMPLE_SPEC}]})
