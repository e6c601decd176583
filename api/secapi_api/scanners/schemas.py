"""What a caller needs to know of a scanner to use it."""

from typing import Any

from secapi_api.schemas import Schema
from secapi_core.crds.scanner import OutputFormat, ScannerSpec
from secapi_core.crds.scanrequest import TargetType


class ScannerSummary(Schema):
    """One entry of the catalogue; how the tool is run stays inside."""

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
