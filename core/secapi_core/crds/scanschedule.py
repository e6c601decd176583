"""ScanSchedule: ScanRequests at fixed times."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secapi_core.crds.base import Column, Conditions, Model, Resource
from secapi_core.crds.constraints import Constraint, rule, unique_by
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.crds.values import CronExpression, TimeZone


class ConcurrencyPolicy(StrEnum):
    """What happens when a run is due while an earlier one is unfinished."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


Text = Annotated[str, Field(max_length=1024)]


class ScanTemplateMetadata(Model):
    """Labels and annotations of the ScanRequests."""

    labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Labels that every ScanRequest of this schedule gets, e.g. team: shop."""

    annotations: Annotated[dict[str, Text], Field(max_length=32)] = Field(default_factory=dict)
    """Annotations that every ScanRequest of this schedule gets."""


class ScanTemplate(Model):
    """The ScanRequest that is created each time."""

    metadata: ScanTemplateMetadata = Field(default_factory=ScanTemplateMetadata)
    """Labels and annotations of the ScanRequests; their names follow from the schedule's."""

    spec: Annotated[
        ScanRequestSpec,
        rule(
            "must not be true in a template: every scan would be cancelled; set suspend instead",
            "!self.cancel",
            lambda spec: not spec.cancel,
            path=".cancel",
            documented={"properties": {"cancel": {"const": False}}},
        ),
    ]
    """What to scan, with what, and how; see ScanRequest."""


class ScanScheduleSpec(Model):
    """When to scan, and what. Changes hold from the next run on."""

    schedule: CronExpression
    """Five cron fields: minute, hour, day of month, month, day of week, e.g. 30 2 * * mon-fri."""

    time_zone: TimeZone = "Etc/UTC"
    """The IANA time zone that schedule is meant in, e.g. Europe/Berlin."""

    jitter_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    """Each run starts up to so many seconds late, always by the same amount for one schedule: spreads schedules that
    are due at the same minute."""

    starting_deadline_seconds: Annotated[int, Field(ge=10, le=604_800)] | None = None
    """A run that could not be started within so many seconds after it was due is skipped. Default: never skipped, but
    of several missed runs only the last is made up for."""

    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.FORBID
    """What happens when a run is due while an earlier one is unfinished: Allow both, Forbid (skip the new one) or
    Replace (cancel the earlier one)."""

    suspend: bool = False
    """Set to true to start no further runs; a run that is under way goes on."""

    successful_runs_history_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """How many succeeded ScanRequests of this schedule are kept; findings stay in any case."""

    failed_runs_history_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """How many failed or cancelled ScanRequests of this schedule are kept."""

    scan_template: ScanTemplate
    """The ScanRequest that is created each time."""


class ActiveRun(Model):
    """A ScanRequest of this schedule that is not finished."""

    name: Annotated[str, Field(max_length=63)]
    """The ScanRequest's name."""

    uid: Annotated[str, Field(max_length=64)]
    """The ScanRequest's metadata.uid, which is its id in the REST API."""


class ScanScheduleStatus(Model):
    """When it ran and will run."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status describes."""

    active: Annotated[list[ActiveRun], Field(max_length=32), unique_by("name")] = Field(default_factory=list)
    """ScanRequests of this schedule that are not finished; of many, the newest."""

    last_schedule_time: datetime | None = None
    """When a run was last due and started."""

    last_successful_time: datetime | None = None
    """When a run last succeeded."""

    next_schedule_time: datetime | None = None
    """When the next run is due, jitter included; absent while suspended."""

    conditions: Conditions = Field(default_factory=list)
    """Ready: the schedule is understood and runs will start."""


class ScanSchedule(Resource):
    """Creates a ScanRequest from a template at the times of a cron expression."""

    KIND: ClassVar[str] = "ScanSchedule"
    PLURAL: ClassVar[str] = "scanschedules"
    SHORT_NAME: ClassVar[str] = "ssch"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("Schedule", ".spec.schedule"),
        Column("Time-Zone", ".spec.timeZone"),
        Column("Suspend", ".spec.suspend", "boolean"),
        Column("Last", ".status.lastScheduleTime", "date"),
        Column("Next", ".status.nextScheduleTime", "string", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    )
    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "metadata.name must be at most 52 characters: its ScanRequests are named after it, with a number",
            "size(self.metadata.name) <= 52",
            lambda schedule: len(schedule.metadata.name) <= 52,
        ),
    )

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["ScanSchedule"] = "ScanSchedule"

    spec: ScanScheduleSpec
    """When to scan, and what."""

    status: ScanScheduleStatus = Field(default_factory=ScanScheduleStatus)
    """When it ran and will run; written by SecAPI only."""
