"""Parameters against ``parametersSchema``: completed, checked, bounded, and never quoted back."""

from typing import Any

import pytest

from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.parameters import PARAMETERS_BYTES, complete_parameters

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "topPorts": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        "scripts": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "auth": {"type": "object", "properties": {"a/b~c": {"type": "string"}}},
        "level": {"enum": ["low", "high"]},
    },
}


def complete(parameters: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    return complete_parameters("nmap", schema, parameters, "/scanners/0/parameters")


def refusal(parameters: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> Rejected:
    with pytest.raises(Rejected) as raised:
        complete(parameters, schema)
    assert raised.value.failure.reason is FailureReason.INVALID_PARAMETER
    return raised.value


def test_what_is_absent_gets_the_schemas_default() -> None:
    assert complete({"level": "low"}) == {"topPorts": 100, "level": "low"}


def test_what_is_given_wins_over_the_default() -> None:
    assert complete({"topPorts": 5}) == {"topPorts": 5}


@pytest.mark.parametrize(
    ("parameters", "place", "words"),
    [
        ({"topPorts": "many"}, "/topPorts", "parameter 'topPorts' of 'nmap': the value is not of type"),
        ({"topPorts": 0}, "/topPorts", "is less than the minimum of 1"),
        ({"scripts": ["ok", "Not"]}, "/scripts/1", "parameter 'scripts.1'"),
        ({"auth": {"a/b~c": 1}}, "/auth/a~1b~0c", "not of type"),
        ({"level": "medium"}, "/level", "is not one of"),
        (
            {"topport": 5},
            "/topport",
            "has no parameter 'topport'; it takes auth, level, scripts, topPorts",
        ),
    ],
)
def test_a_wrong_parameter_is_named_with_its_pointer(parameters: dict[str, Any], place: str, words: str) -> None:
    rejected = refusal(parameters)
    assert rejected.pointer == f"/scanners/0/parameters{place}"
    assert words in rejected.failure.message


def test_a_scanner_without_parameters_says_so() -> None:
    assert "it takes none" in refusal({"x": 1}, {"type": "object", "additionalProperties": False}).failure.message


def test_a_missing_parameter_is_named() -> None:
    schema = SCHEMA | {"required": ["level"]}
    assert '"level" is a required property' in refusal({}, schema).failure.message


@pytest.mark.parametrize("parameters", [{"level": "s3cr3t"}, {"scripts": ["S3CR3T-s3cr3t"]}, {"topPorts": "s3cr3t"}])
def test_a_refused_value_is_not_repeated(parameters: dict[str, Any]) -> None:
    assert "s3cr3t" not in refusal(parameters).failure.message


def test_parameters_are_bounded_in_bytes() -> None:
    assert f"at most {PARAMETERS_BYTES}" in refusal({"scripts": ["a" * PARAMETERS_BYTES]}).failure.message


def test_parameters_nested_without_end_are_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(2_000):
        nested = {"x": nested}
    assert "are not plain JSON" in refusal({"auth": nested}, {"type": "object"}).failure.message


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"properties": {"a": {"pattern": "("}}},
        {"$ref": "https://evil.test/schema.json"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"properties": {"a": {"pattern": "(?=a)b"}}},
    ],
)
def test_an_unusable_schema_is_the_catalogues_fault_and_says_so(schema: dict[str, Any]) -> None:
    assert "scanner 'nmap' has an unusable parametersSchema" in refusal({}, schema).failure.message


def test_a_reference_within_the_schema_works() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/small"}}, "$defs": {"small": {"maximum": 5}}}
    assert complete({"a": 5}, schema) == {"a": 5}
    assert refusal({"a": 6}, schema).pointer == "/scanners/0/parameters/a"


def test_a_pattern_made_to_explode_takes_no_time() -> None:
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    assert refusal({"a": "a" * 5_000 + "!"}, schema).pointer == "/scanners/0/parameters/a"
