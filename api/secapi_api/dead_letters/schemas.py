"""Answers of ``/v1/dead-letters``."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, computed_field

from secapi_api.schemas import JsonOf, Schema
from secapi_core.crds.scanrequest import Target
from secapi_core.ledger.queries.dead_letters import DeadLetterSummary


class DeadLetterLinks(Schema):
    """Paths that belong to a dead letter."""

    self: str
    scan: str
    """The scan that the job was part of."""

    replay: str


class DeadLetter(Schema):
    """A job that failed in every attempt it had, for a reason that another attempt might have overcome."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a2-3333-7c3a-9d4f-5a2f6f1c8e11",
                    "namespace": "team-a",
                    "scanId": "0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11",
                    "jobId": "5c1d0f5e-0a75-5f0c-8a53-6f4b6a3b8f10",
                    "scanner": "nmap",
                    "target": {"host": {"address": "shop.example", "ports": "22,443"}},
                    "parameters": {"topPorts": 100},
                    "attempts": 3,
                    "reason": "ScannerCrashed",
                    "message": "nmap was ended by signal 11 (SIGSEGV)",
                    "createdAt": "2026-11-26T09:30:00Z",
                    "replayedAt": "2026-11-26T10:05:00Z",
                    "replayScanId": "0198c5a2-7777-7c3a-9d4f-5a2f6f1c8e11",
                    "links": {
                        "self": "/v1/dead-letters/0198c5a2-3333-7c3a-9d4f-5a2f6f1c8e11",
                        "scan": "/v1/scans/0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11",
                        "replay": "/v1/dead-letters/0198c5a2-3333-7c3a-9d4f-5a2f6f1c8e11/replay",
                    },
                }
            ]
        }
    )

    id: UUID
    namespace: str
    scan_id: UUID
    """The scan that the job was part of, and which failed with it."""

    job_id: UUID
    scanner: str
    target: Annotated[dict[str, Any], JsonOf(Target)]
    """In canonical spelling."""

    parameters: dict[str, Any]
    """With the defaults of those that were left out."""

    attempts: int
    reason: str
    """Why the last attempt failed: a word from a closed set."""

    message: str
    """The same as a sentence."""

    created_at: datetime
    """When the last attempt failed."""

    replayed_at: datetime | None
    """Null while nobody has replayed it."""

    replay_scan_id: UUID | None
    """The scan that ran the job again."""

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know that pydantic takes a property here
    @property
    def links(self) -> DeadLetterLinks:
        """Where to look next."""
        path = f"/v1/dead-letters/{self.id}"
        return DeadLetterLinks(self=path, scan=f"/v1/scans/{self.scan_id}", replay=f"{path}/replay")

    @classmethod
    def of(cls, letter: DeadLetterSummary) -> "DeadLetter":
        """From the ledger."""
        return cls(**{name: getattr(letter, name) for name in DeadLetterSummary.__dataclass_fields__})
