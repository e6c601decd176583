"""The client's models are the server's schemas: what the document promises is understood, and nothing is forgotten."""

import json
from enum import StrEnum
from typing import Any, get_type_hints, is_typeddict

import pytest

from schema_samples import Samples
from secapi_client.models import (
    api_keys,
    artifacts,
    audit,
    custom_resources,
    dead_letters,
    findings,
    problems,
    scanners,
    scans,
    sessions,
    specs,
    webhooks,
    words,
)
from secapi_client.models.base import Model
from secapi_client.models.pages import Page
from secapi_dev.commands.openapi import DOCUMENT

OPENAPI: dict[str, Any] = json.loads(DOCUMENT.read_text())
SAMPLES = Samples(OPENAPI)
MODELS: dict[str, type[Model]] = {
    "ApiKey": api_keys.ApiKey,
    "Artifact": artifacts.Artifact,
    "AuditEvent": audit.AuditEvent,
    "DeadLetter": dead_letters.DeadLetter,
    "Delivery": webhooks.Delivery,
    "FieldProblem": problems.FieldProblem,
    "FindingCounts": scans.FindingCounts,
    "FindingLocation": findings.FindingLocation,
    "Identity": sessions.Identity,
    "IssuedApiKey": api_keys.IssuedApiKey,
    "IssuedWebhook": webhooks.IssuedWebhook,
    "JobTotals": scans.JobTotals,
    "Page_ApiKey_": Page[api_keys.ApiKey],
    "Page_AuditEvent_": Page[audit.AuditEvent],
    "Page_DeadLetter_": Page[dead_letters.DeadLetter],
    "Page_Delivery_": Page[webhooks.Delivery],
    "Page_Policy_": Page[custom_resources.Policy],
    "Page_ScanFinding_": Page[findings.ScanFinding],
    "Page_ScanJob_": Page[scans.ScanJob],
    "Page_ScanSummary_": Page[scans.ScanSummary],
    "Page_ScannerSummary_": Page[scanners.Scanner],
    "Page_Schedule_": Page[custom_resources.Schedule],
    "Page_Webhook_": Page[webhooks.Webhook],
    "Policy": custom_resources.Policy,
    "Problem": problems.Problem,
    "RerunScan": scans.RerunScan,
    "Scan": scans.Scan,
    "ScanFinding": findings.ScanFinding,
    "ScanJob": scans.ScanJob,
    "ScanSummary": scans.ScanSummary,
    "ScannerSummary": scanners.Scanner,
    "Schedule": custom_resources.Schedule,
    "SubmittedJob": scans.SubmittedJob,
    "SubmittedScan": scans.SubmittedScan,
    "Webhook": webhooks.Webhook,
}
LEFT_OUT = {"csrfToken", "links"}
"""Fields that a client with methods and keys has no use for."""

SPECS = {
    "ArtifactTarget": specs.ArtifactTarget,
    "Gate": specs.Gate,
    "HostTarget": specs.HostTarget,
    "ImageTarget": specs.ImageTarget,
    "RepositoryTarget": specs.RepositoryTarget,
    "ScanRequestSpec": specs.ScanSpec,
    "ScanScheduleSpec": specs.ScheduleSpec,
    "ScanTemplate": specs.ScanTemplate,
    "ScanTemplateMetadata": specs.ScanTemplateMetadata,
    "ScannerUse": specs.ScannerUse,
    "Target": specs.Target,
}
WORDS: dict[str, type[StrEnum]] = {
    "Phase": words.Phase,
    "Priority": words.Priority,
    "Role": words.Role,
    "Severity": words.Severity,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_fields_of_its_schema(name: str) -> None:
    fields = {field.alias for field in MODELS[name].model_fields.values()}
    assert fields == set(SAMPLES.schema(name)["properties"]) - LEFT_OUT


@pytest.mark.parametrize("name", MODELS)
def test_whatever_the_schema_allows_is_read_and_written_again(name: str) -> None:
    for sample in SAMPLES.of(name):
        read = MODELS[name].model_validate_json(json.dumps(sample))
        assert without_links(read.to_wire()) == without_links(sample)


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_has_the_fields_of_its_schema(name: str) -> None:
    kind, schema = SPECS[name], SAMPLES.schema(name)
    assert is_typeddict(kind)
    assert set(get_type_hints(kind)) == set(schema["properties"])
    assert vars(kind)["__required_keys__"] == set(schema.get("required", []))


@pytest.mark.parametrize("name", WORDS)
def test_words_are_those_of_the_document(name: str) -> None:
    assert {word.value for word in WORDS[name]} == set(SAMPLES.schema(name)["enum"])


def test_a_field_that_a_newer_server_adds_is_ignored() -> None:
    sample = {**next(SAMPLES.of("SubmittedScan")), "addedLater": {"a": 1}, "phase": "Dreaming"}
    assert scans.SubmittedScan.model_validate(sample).phase == "Dreaming"


def without_links(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_links(item) for name, item in value.items() if name not in LEFT_OUT}
    return [without_links(item) for item in value] if isinstance(value, list) else value
