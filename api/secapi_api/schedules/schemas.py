"""Bodies and answers of ``/v1/schedules``. Fields are named as in a ScanSchedule."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from secapi_api.custom_resources.schemas import CustomResource, NewNamespacedResource, NewSpec
from secapi_api.schemas import JsonOf
from secapi_core.crds.base import Name
from secapi_core.crds.scanschedule import ScanScheduleSpec, ScanScheduleStatus

EXAMPLE_SPEC: dict[str, Any] = {
    "schedule": "30 2 * * mon-fri",
    "timeZone": "Europe/Berlin",
    "scanTemplate": {
        "spec": {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "sslyze"}], "priority": "bulk"}
    },
}


class Schedule(CustomResource):
    """Creates a scan from a template at the times of a cron expression."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace": "team-a",
                    "name": "shop-nightly",
                    "spec": EXAMPLE_SPEC,
                    "status": {"nextScheduleTime": "2026-11-27T01:30:00Z"},
                    "createdAt": "2026-11-26T09:30:00Z",
                    "generation": 1,
                    "resourceVersion": "48213",
                }
            ]
        }
    )

    namespace: str
    spec: Annotated[dict[str, Any], JsonOf(ScanScheduleSpec)]
    """When to scan, and what."""

    status: Annotated[dict[str, Any], JsonOf(ScanScheduleStatus)]
    """When it ran and will run."""


class CreateSchedule(NewNamespacedResource[ScanScheduleSpec]):
    """A schedule to begin with: a ScanSchedule without its Kubernetes frame."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"namespace": "team-a", "name": "shop-nightly", "spec": EXAMPLE_SPEC}]}
    )

    name: Annotated[Name, Field(max_length=52)]
    """Its scans are named after it, with a number."""


class ReplaceSchedule(NewSpec[ScanScheduleSpec]):
    """When to scan and what from the next run on; what is left out gets its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"spec": EXAMPLE_SPEC | {"suspend": True}}]})
