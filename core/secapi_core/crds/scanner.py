"""Scanner: one entry of the catalogue, everything SecAPI knows about a tool besides its report's grammar."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from secapi_core.crds.base import Column, Model, Name, Resource
from secapi_core.crds.constraints import Constraint, keys, rule, text, unique, word
from secapi_core.crds.scanrequest import TargetType
from secapi_core.failures import FailureReason

_NAME = "[A-Za-z][A-Za-z0-9_]*"
_PLACEHOLDER = rf"(?:parameters|target)\.{_NAME}|item|source|output|workdir|rules"

ArgumentText = Annotated[
    str,
    Field(max_length=512),
    text(
        "must hold no braces but {parameters.NAME}, {target.FIELD}, {item}, {source}, {output}, {workdir}, {rules}, "
        "and {{ and }} for the braces themselves",
        like=rf"(?:[^{{}}]|\{{\{{|\}}\}}|\{{(?:{_PLACEHOLDER})\}})*",
    ),
]
Guard = Annotated[
    str, Field(max_length=128), word("must be parameters.NAME or target.FIELD", like=rf"(?:parameters|target)\.{_NAME}")
]
ListParameter = Annotated[str, Field(max_length=128), word("must be parameters.NAME", like=rf"parameters\.{_NAME}")]

ExitCode = Annotated[int, Field(ge=0, le=255)]

RUN_REASONS = (
    FailureReason.INVALID_PARAMETER,
    FailureReason.TARGET_UNRESOLVABLE,
    FailureReason.TARGET_UNREACHABLE,
    FailureReason.TOOL_MISSING,
    FailureReason.SCANNER_FAILED,
    FailureReason.SCANNER_CRASHED,
    FailureReason.OUT_OF_MEMORY,
    FailureReason.TIMED_OUT,
    FailureReason.OUTPUT_TOO_LARGE,
    FailureReason.OUTPUT_MISSING,
    FailureReason.OUTPUT_INVALID,
)
"""What a tool's own behavior can prove; the other reasons are for SecAPI to give."""

RunReason = Annotated[
    FailureReason,
    Constraint(
        message=f"must be one of {', '.join(RUN_REASONS)}",
        check=RUN_REASONS.__contains__,
        structural={"enum": [str(reason) for reason in RUN_REASONS]},
        documented={"enum": [str(reason) for reason in RUN_REASONS]},
    ),
]


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
    """One step of the command line: values that are added together, or left out together where they do not apply."""

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "{item} in values and forEach belong together: set both or neither",
            "has(self.forEach) == self.values.exists(v, v.contains('{item}'))",
            lambda argument: (argument.for_each is not None) == any("{item}" in value for value in argument.values),
        ),
    )

    values: Annotated[list[ArgumentText], Field(min_length=1, max_length=16)]
    """Arguments, each exactly one; no shell reads them. Placeholders: {parameters.NAME}; {target.FIELD}; {item};
    {source}, the checked-out tree; {output}, the report's path; {workdir}; {rules}, the rule packs that SecAPI ships.
    {{ and }} stand for the braces themselves."""

    when: Guard | None = None
    """Add the values only if this parameter or target field is set and not false, e.g. parameters.topPorts."""

    unless: Guard | None = None
    """Add the values only if this parameter or target field is not set, or false."""

    for_each: ListParameter | None = None
    """Add the values once per item of this list parameter; {item} is the item."""


class Output(Model):
    """The tool's report."""

    format: OutputFormat
    """How to read it."""

    source: Literal["file", "stdout"] = "file"
    """Where it is: file (the tool writes to the path {output}) or stdout."""


class ExitCodes(Model):
    """What the tool's exit status means; a code that is listed nowhere is ScannerFailed."""

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "a code must not be both success and failure",
            "!self.success.exists(code, string(code) in self.failures)",
            lambda codes: not any(str(code) in codes.failures for code in codes.success),
        ),
    )

    success: Annotated[list[ExitCode], Field(min_length=1, max_length=16), unique()] = Field(default=[0])
    """Codes of a run whose report counts, 0 to 255. Many tools answer 1 when they found something."""

    failures: Annotated[
        dict[str, RunReason],
        Field(max_length=16),
        keys("keys must be exit codes from 0 to 255", like="25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]"),
    ] = Field(default_factory=dict)
    """Codes that mean a particular reason, e.g. "7": TargetUnreachable."""


class FailurePattern(Model):
    """A sign that a run which looks clean is not."""

    stream: Literal["stdout", "stderr", "report"]
    """Where to look: in the last 64 KiB of stdout, stderr or the report."""

    contains: Annotated[str, Field(min_length=1, max_length=256)]
    """Text that gives the failure away; upper and lower case differ."""

    reason: RunReason
    """The reason that the job gets."""

    message: Annotated[str, Field(max_length=500)] | None = None
    """A sentence for people that says what to do. Default: the line that gave the failure away."""


class Limits(Model):
    """Ceilings for one run of the tool; what exceeds them ends the run with a typed reason."""

    memory_mib: Annotated[int, Field(ge=64, le=65_536)] = 2_048
    """Address space of each process, in MiB."""

    cpu_seconds: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    """Processor time of each process, in seconds."""

    output_mib: Annotated[int, Field(ge=1, le=1_024)] = 128
    """Size of the report, of stdout and of every other file, in MiB."""

    processes: Annotated[int, Field(ge=1, le=4_096)] = 512
    """Processes and threads at the same time."""

    findings: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    """Findings in one report."""


class ScannerSpec(Model):
    """How to run one tool and read what it reports."""

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "output.source must be file exactly if an argument holds {output}, the path of the report",
            "(self.output.source == 'file') == self.arguments.exists(a, a.values.exists(v, v.contains('{output}')))",
            lambda spec: (
                (spec.output.source == "file")
                == any("{output}" in value for argument in spec.arguments for value in argument.values)
            ),
        ),
    )

    title: Annotated[str, Field(min_length=1, max_length=120)]
    """The tool's name as people write it, e.g. Nmap."""

    description: Annotated[str, Field(max_length=1024)] = ""
    """What it looks for, in a sentence."""

    family: Name | None = None
    """Scanners of one family share findings: a problem that two of them see is one. Default: the object's name."""

    target_types: Annotated[list[TargetType], Field(min_length=1, max_length=5), unique()]
    """Types of target it takes, of url, host, repository, artifact and image."""

    pool: Name
    """Worker pool whose workers have the tool installed, e.g. network or code."""

    parameters_schema: Annotated[
        dict[str, Any],
        Field(max_length=32),
        rule(
            "must have type: object and additionalProperties: false, so that a misspelt parameter is refused",
            "has(self.type) && self.type == 'object' && has(self.additionalProperties) && !self.additionalProperties",
            lambda schema: schema.get("type") == "object" and schema.get("additionalProperties") is False,
        ),
        Constraint(
            structural={
                "properties": {
                    "type": {"type": "string", "maxLength": 16, "description": "Always object."},
                    "additionalProperties": {"type": "boolean", "description": "Always false."},
                },
            }
        ),
    ] = Field(default={"type": "object", "additionalProperties": False})
    """JSON Schema (draft 2020-12) of the parameters that a ScanRequest may set, with their defaults; references to
    other documents are refused. Default: no parameters."""

    command: Annotated[
        str,
        Field(min_length=1, max_length=64),
        word("must be a program's name without folder or arguments, e.g. nmap", like=r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    ]
    """The program's name; workers look for it in the tool's own environment."""

    arguments: Annotated[list[Argument], Field(max_length=64)] = Field(default_factory=list)
    """The command line after the program's name, step by step."""

    environment: Annotated[
        dict[str, Annotated[str, Field(max_length=1024)]],
        Field(max_length=32),
        keys("keys must be names of environment variables", like="[A-Za-z_][A-Za-z0-9_]{0,127}"),
    ] = Field(default_factory=dict)
    """Environment variables for the tool besides PATH, HOME and LANG; it gets no others."""

    output: Output
    """Where the report is and how to read it."""

    exit_codes: ExitCodes = Field(default_factory=ExitCodes)
    """What the tool's exit status means."""

    failure_patterns: Annotated[list[FailurePattern], Field(max_length=32)] = Field(default_factory=list)
    """Texts that show that a run which looks clean is not; the first that occurs decides."""

    limits: Limits = Field(default_factory=Limits)
    """Ceilings for one run of the tool."""


class Scanner(Resource):
    """A scanner that ScanRequests can name: which targets it takes, how it is run, how its report is read."""

    KIND: ClassVar[str] = "Scanner"
    PLURAL: ClassVar[str] = "scanners"
    SHORT_NAME: ClassVar[str] = "scnr"
    NAMESPACED: ClassVar[bool] = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("Title", ".spec.title"),
        Column("Targets", ".spec.targetTypes"),
        Column("Pool", ".spec.pool"),
        Column("Format", ".spec.output.format", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    )
    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "metadata.name must be at most 63 letters, digits or '-', as ScanRequests name it",
            "self.metadata.name.matches(r'^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$')",
            lambda scanner: "." not in scanner.metadata.name and len(scanner.metadata.name) <= 63,
        ),
    )

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["Scanner"] = "Scanner"

    spec: ScannerSpec
    """How to run the tool and read what it reports."""
