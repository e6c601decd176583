"""The OpenAPI document: valid, complete, stable, and what the routes really answer."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api_harness import Api
from secapi_api.bodies import documented_models
from secapi_core.crds.base import Model
from secapi_dev.commands.openapi import DOCUMENT, generated

OPERATIONS = {
    "createScan",
    "listScans",
    "followScan",
    "getScan",
    "deleteScan",
    "cancelScan",
    "rerunScan",
    "listScanJobs",
    "listScanFindings",
    "listDeadLetters",
    "getDeadLetter",
    "replayDeadLetter",
    "purgeDeadLetter",
    "uploadArtifact",
    "listArtifacts",
    "listScanArtifacts",
    "getArtifact",
    "listSchedules",
    "createSchedule",
    "getSchedule",
    "replaceSchedule",
    "deleteSchedule",
    "listPolicies",
    "createPolicy",
    "getPolicy",
    "replacePolicy",
    "deletePolicy",
    "listScanners",
    "getStats",
    "createSession",
    "listSessions",
    "getCurrentSession",
    "endCurrentSession",
    "endSession",
    "createUser",
    "listUsers",
    "getUser",
    "changeUser",
    "createMembership",
    "listMemberships",
    "getMembership",
    "changeMembership",
    "removeMembership",
    "createApiKey",
    "listApiKeys",
    "getApiKey",
    "rotateApiKey",
    "revokeApiKey",
    "createScanner",
    "getScanner",
    "replaceScanner",
    "deleteScanner",
    "listAuditEvents",
    "listWebhooks",
    "createWebhook",
    "getWebhook",
    "changeWebhook",
    "removeWebhook",
    "rotateWebhookSecret",
    "pingWebhook",
    "listWebhookDeliveries",
    "getWebhookDelivery",
    "replayWebhookDelivery",
    "getLiveness",
    "getReadiness",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(generated())
    return parsed


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_operations_keep_their_names(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for _, operation in operations(document)} == OPERATIONS


def test_every_operation_is_described_and_tagged(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for path, operation in operations(document):
        assert operation["description"], path
        assert set(operation["tags"]) <= tags, path


def test_everything_below_v1_but_logging_in_needs_a_credential_and_says_so(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        protected = path.startswith("/v1/") and operation["operationId"] != "createSession"
        assert (operation.get("security") == [{"bearer": []}, {"session": []}]) == protected, path
        assert ("401" in operation["responses"]) == path.startswith("/v1/"), path


def test_every_error_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], f"{path} {status}"


def test_every_link_leads_to_an_operation_and_fills_parameters_that_it_takes(document: dict[str, Any]) -> None:
    taken = {
        operation["operationId"]: {f"{each['in']}.{each['name']}" for each in operation.get("parameters", [])}
        for _, operation in operations(document)
    }
    links = [
        (name, link)
        for _, operation in operations(document)
        for response in operation["responses"].values()
        for name, link in response.get("links", {}).items()
    ]
    assert len(links) > 100
    for name, link in links:
        assert name == link["operationId"]
        assert set(link["parameters"]) <= taken[name], name


def test_whatever_a_path_names_can_be_reached_by_a_link(document: dict[str, Any]) -> None:
    reached = {
        name
        for _, operation in operations(document)
        for response in operation["responses"].values()
        for name in response.get("links", {})
    }
    named = {operation["operationId"] for path, operation in operations(document) if "{" in path}
    assert named <= reached


def test_every_field_is_camel_case(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert "_" not in field, f"{name}.{field}"


@pytest.mark.parametrize("body", documented_models, ids=lambda body: body.__name__)
def test_the_example_of_a_body_is_one_that_is_accepted(document: dict[str, Any], body: type[Model]) -> None:
    (example,) = document["components"]["schemas"][body.__name__]["examples"]
    body.model_validate_json(json.dumps(example), strict=True, by_alias=True, by_name=False)


def test_every_example_is_as_its_schema_says(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        validator = jsonschema_rs.validator_for(schema | {"components": document["components"]}, validate_formats=True)
        for example in schema.get("examples", []):
            assert [str(error) for error in validator.iter_errors(example)] == [], name


def test_the_checked_in_document_is_current() -> None:
    assert DOCUMENT.read_bytes() == generated(), "run secapi-dev openapi"


async def test_the_document_that_is_served_is_the_one_that_is_checked_in(api: Api) -> None:
    served = (await api.anonymous().get("/openapi.json")).json()
    assert served == json.loads(DOCUMENT.read_bytes())
