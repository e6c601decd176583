"""Scanner: one entry of the catalogue, everything SecAPI knows about a tool besides its report's grammar."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from secapi_core.crds.base import Model, Name, Resource
from secapi_core.crds.scanrequest import TargetType
from secapi_core.failures import FailureReason

ArgumentText = Annotated[str, Field(max_length=1024)]


class OutputFormat(StrEnum):
    """Reports that SecAPI can parse; each has one module in ``secapi_workers.parsers``."""

    NMAP_XML = "nmap-xml"
    SSLYZE_JSON = "sslyze-json"
    SSH_AUDIT_JSON = "ssh-audit-json"
    BANDIT_JSON = "bandit-json"
    SEMGREP_JSON = "semgrep-json"
    DETECT_SECRETS_JSON = "detect-secrets-json"
    SARIF = "sarif"


class Argument(Model):
    """One step of the argv template: fixed text with ``{placeholders}``, left out as a whole where it does not apply.

    ``when`` names a parameter (or ``target.<field>``): the values are added only if it is set and not false.
    ``forEach`` names a list parameter: the values are added once per item, which is ``{item}``.
    Placeholders: ``{parameters.NAME}``, ``{target.FIELD}``, ``{source}`` (the checked-out tree), ``{output}`` (the report's
    path), ``{workdir}``, ``{rules}`` (the rule packs that SecAPI ships), ``{item}``.
    """

    values: Annotated[list[ArgumentText], Field(min_length=1, max_length=16)]
    when: Annotated[str, Field(max_length=128)] | None = None
    for_each: Annotated[str, Field(max_length=128)] | None = None


class Output(Model):
    """Where the report is and how to read it."""

    format: OutputFormat
    source: Literal["file", "stdout"] = "file"


class ExitCodes(Model):
    """What the tool's exit status means; a code listed nowhere is ``ScannerFailed``."""

    success: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1, max_length=16)] = [0]
    failures: Annotated[dict[Annotated[str, Field(pattern=r"^\d{1,3}$")], FailureReason], Field(max_length=16)] = Field(
        default_factory=dict
    )


class FailurePattern(Model):
    """A sign that a run which looks clean is not: if ``contains`` occurs in the stream's last 64 KiB, the job fails."""

    stream: Literal["stdout", "stderr", "report"]
    contains: Annotated[str, Field(min_length=1, max_length=256)]
    reason: FailureReason
    message: Annotated[str, Field(max_length=500)] | None = None


class Limits(Model):
    """Ceilings for one run of the tool; what exceeds them ends the run with a typed reason."""

    memory_mib: Annotated[int, Field(ge=64, le=65_536)] = 2_048
    cpu_seconds: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    output_mib: Annotated[int, Field(ge=1, le=1_024)] = 128
    processes: Annotated[int, Field(ge=1, le=4_096)] = 512
    findings: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000


class ScannerSpec(Model):
    """How to run one tool and read what it reports."""

    title: Annotated[str, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=1024)] = ""
    family: Name | None = None
    target_types: Annotated[list[TargetType], Field(min_length=1, max_length=5)]
    pool: Name
    parameters_schema: dict[str, Any] = Field(default_factory=dict)
    command: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")]
    arguments: Annotated[list[Argument], Field(max_length=64)] = Field(default_factory=list)
    environment: Annotated[dict[str, str], Field(max_length=32)] = Field(default_factory=dict)
    output: Output
    exit_codes: ExitCodes = Field(default_factory=ExitCodes)
    failure_patterns: Annotated[list[FailurePattern], Field(max_length=32)] = Field(default_factory=list)
    limits: Limits = Field(default_factory=Limits)


class Scanner(Resource):
    """A catalogue entry; cluster-scoped."""

    KIND: ClassVar[str] = "Scanner"
    PLURAL: ClassVar[str] = "scanners"
    NAMESPACED: ClassVar[bool] = False

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["Scanner"] = "Scanner"
    spec: ScannerSpec
