"""Checking a scanner's parameters against its ``parametersSchema``, which is JSON Schema (2020-12 by default).

Schemas come from cluster administrators and parameters from anybody, so both are bounded: no reference is ever
fetched, patterns run on a linear-time engine, parameters have a ceiling in bytes.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.pointers import json_pointer

PARAMETERS_BYTES = 16_384
"""Ceiling for one scanner's parameters as JSON; they are stored with every job."""


def complete_parameters(
    scanner: str, schema: Mapping[str, Any], parameters: Mapping[str, Any], pointer: str
) -> dict[str, Any]:
    """``parameters`` with the defaults that ``schema`` gives for what is absent, checked against it.

    ``pointer`` is where the parameters are in the request. Raises ``Rejected(InvalidParameter)`` with the pointer of
    the parameter at fault; values are never quoted, since a parameter may hold a secret.
    """
    properties = schema.get("properties", {})
    _refuse_unknown(scanner, schema, parameters, pointer)
    defaults = {name: sub["default"] for name, sub in properties.items() if isinstance(sub, dict) and "default" in sub}
    complete = defaults | dict(parameters)
    try:
        size = len(orjson.dumps(complete))
    except orjson.JSONEncodeError as error:
        raise _rejected(pointer, f"the parameters of {scanner!r} are not plain JSON: {error}") from error
    if size > PARAMETERS_BYTES:
        raise _rejected(pointer, f"the parameters of {scanner!r} are {size} bytes; at most {PARAMETERS_BYTES} are kept")
    try:
        validator = _compiled(schema)
    except Rejected as rejected:
        unusable = f"scanner {scanner!r} has an unusable parametersSchema: {rejected.failure.message}"
        raise _rejected(pointer, unusable) from rejected
    problem = next(iter(validator.iter_errors(complete)), None)
    if problem is not None:
        path = ".".join(map(str, problem.instance_path))
        subject = f"parameter {path!r} of {scanner!r}" if path else f"the parameters of {scanner!r}"
        raise _rejected(json_pointer(problem.instance_path, pointer), f"{subject}: {problem.message}")
    return complete


def check_parameters_schema(schema: Mapping[str, Any]) -> None:
    """Raise ``Rejected`` (pointer below the Scanner's ``/spec``) if no parameters could ever be checked against it."""
    _compiled(schema)


def _compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    try:
        return _validator(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS))
    except jsonschema_rs.ValidationError as error:
        pointer = json_pointer(error.instance_path, "/parametersSchema")
        raise Rejected(FailureReason.INVALID_SPEC, pointer, error.message) from error
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise Rejected(FailureReason.INVALID_SPEC, "/parametersSchema", str(error)) from error


def _refuse_unknown(scanner: str, schema: Mapping[str, Any], parameters: Mapping[str, Any], pointer: str) -> None:
    """Name a parameter that is not declared, and those that are; the validator would not name the latter."""
    if schema.get("additionalProperties") is not False or "patternProperties" in schema:
        return
    known = schema.get("properties", {})
    for name in parameters:
        if name not in known:
            takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise _rejected(json_pointer([name], pointer), f"scanner {scanner!r} has no parameter {name!r}; {takes}")


@lru_cache(maxsize=512)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    """A compiled validator; ``schema`` is JSON, which makes it the cache's key as well."""
    return jsonschema_rs.validator_for(
        orjson.loads(schema),
        offline=True,
        mask="the value",
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000),
    )


def _rejected(pointer: str, message: str) -> Rejected:
    return Rejected(FailureReason.INVALID_PARAMETER, pointer, message)
