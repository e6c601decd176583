"""Whether an answer is one that the OpenAPI document promises: its status, headers, media type, and every field."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from event_streams import Event, parsed
from secapi_dev.commands.openapi import DOCUMENT

EVENT_STREAM = "text/event-stream"
UNDOCUMENTED = {"/metrics", "/openapi.json", "/docs"}
PROBLEM = "application/problem+json"


class Conformance:
    """Checks answers against one document; ``check`` is a response hook of httpx."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), operations)
            for path, operations in document["paths"].items()
        ]

    async def check(self, answer: httpx.Response) -> None:
        """Fail if anything was answered that is not documented; reads the whole answer."""
        await answer.aread()
        self._check_head(answer)
        self._check_body(answer)

    async def check_as_it_comes(self, answer: httpx.Response) -> None:
        """The same where a stream of events may go on without end: of one, only what comes before its events."""
        if answer.headers.get("Content-Type") == EVENT_STREAM:
            self._check_head(answer)
        else:
            await self.check(answer)

    def check_event(self, content: dict[str, Any], event: Event) -> None:
        """Fail if no event of that name is documented, or one with other data."""
        documented = {each["properties"]["event"]["const"]: each for each in content["x-itemSchema"]["oneOf"]}
        assert event.name in documented, f"an event {event.name} is not documented"
        reference = documented[event.name]["properties"]["data"]["contentSchema"]["$ref"]
        self._require(reference, event.data, f"event {event.name}")

    def _check_head(self, answer: httpx.Response) -> None:
        if (response := self._response(answer)) is None:
            return
        where = _named(answer)
        for name, header in response.get("headers", {}).items():
            reference = header["$ref"].rpartition("/")[2]
            assert name in answer.headers, f"{where} has no {name}"
            schema = self._document["components"]["headers"][reference]["schema"]
            value = int(answer.headers[name]) if schema["type"] == "integer" else answer.headers[name]
            assert jsonschema_rs.is_valid(schema, value), f"{where}: {name} is {value}"
        media_type = answer.headers.get("Content-Type")
        assert media_type in response.get("content", [media_type]), f"{where} is {media_type}"

    def _check_body(self, answer: httpx.Response) -> None:
        response = self._response(answer)
        if response is None:
            return
        content = response.get("content")
        if content is None:
            assert not answer.content, f"{_named(answer)} is documented to be empty"
            return
        media = content[answer.headers["Content-Type"]]
        if answer.headers["Content-Type"] == EVENT_STREAM:
            for event in parsed(answer.text):
                self.check_event(media, event)
        else:
            self._require(media["schema"]["$ref"], answer.json(), _named(answer))

    def _response(self, answer: httpx.Response) -> Mapping[str, Any] | None:
        """What is documented of the answer; None where nothing is, because the path is not for users."""
        path, method, status = answer.request.url.path, answer.request.method.lower(), str(answer.status_code)
        if path in UNDOCUMENTED or path.startswith("/docs/") or method == "options":
            return None
        operations = self._operations(path)
        if method in operations:
            responses: Mapping[str, Any] = operations[method]["responses"]
            assert status in responses, f"{_named(answer)} is not documented"
            documented: Mapping[str, Any] = responses[status]
            return documented
        assert status in ("404", "405"), f"{_named(answer)} is not documented at all"
        if status == "405":
            allowed = {each.strip().lower() for each in answer.headers["Allow"].split(",")}
            assert allowed == set(operations), f"{_named(answer)} allows {allowed}"
        return {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}

    def _operations(self, path: str) -> dict[str, Any]:
        """By method; a path without a parameter goes before one with."""
        found = [operations for pattern, operations in self._paths if pattern.fullmatch(path)]
        return {method: operation for operations in reversed(found) for method, operation in operations.items()}

    def _require(self, reference: str, value: object, where: str) -> None:
        if reference not in self._validators:
            schema = {"$ref": reference, "components": self._document["components"]}
            self._validators[reference] = jsonschema_rs.validator_for(schema, validate_formats=True)
        for error in self._validators[reference].iter_errors(value):
            raise AssertionError(f"{where}: {error.message} at {error.instance_path}")


@cache
def conformance() -> Conformance:
    """To the document that is checked in, for the whole test run; another test says that it is current."""
    return Conformance(json.loads(DOCUMENT.read_bytes()))


def _named(answer: httpx.Response) -> str:
    return f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
