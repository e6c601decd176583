"""Whether an answer is one that the OpenAPI document promises: its status, its media type, its every field."""

import re
from functools import cached_property
from typing import Any

import httpx
import jsonschema_rs

from event_streams import Event, parsed


class Conformance:
    """Checks answers against one document; ``check`` is a response hook of httpx."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        return [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), operations)
            for path, operations in self._document["paths"].items()
        ]

    async def check(self, answer: httpx.Response) -> None:
        """Fail if a documented operation answered something else than is documented."""
        operation = self._operation(answer.request)
        if operation is None:
            return
        where = f"{operation['operationId']} {answer.status_code}"
        assert str(answer.status_code) in operation["responses"], f"{where} is not documented"
        content = operation["responses"][str(answer.status_code)].get("content")
        body = await answer.aread()
        if content is None:
            assert not body, f"{where} is documented to be empty"
            return
        media_type = answer.headers["Content-Type"]
        assert media_type in content, f"{where} is {media_type}"
        if media_type == "text/event-stream":
            for event in parsed(answer.text):
                self.check_event(content[media_type], event)
            return
        for error in self._validator(content[media_type]["schema"]["$ref"]).iter_errors(answer.json()):
            raise AssertionError(f"{where}: {error.message} at {error.instance_path}")

    def check_event(self, content: dict[str, Any], event: Event) -> None:
        """Fail if no event of that name is documented, or one with other data."""
        documented = {each["properties"]["event"]["const"]: each for each in content["x-itemSchema"]["oneOf"]}
        assert event.name in documented, f"an event {event.name} is not documented"
        reference = documented[event.name]["properties"]["data"]["contentSchema"]["$ref"]
        for error in self._validator(reference).iter_errors(event.data):
            raise AssertionError(f"event {event.name}: {error.message} at {error.instance_path}")

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        for pattern, operations in self._paths:
            if pattern.fullmatch(request.url.path):
                operation: dict[str, Any] | None = operations.get(request.method.lower())
                return operation
        return None

    def _validator(self, reference: str) -> jsonschema_rs.Validator:
        if reference not in self._validators:
            schema = {"$ref": reference, "components": self._document["components"]}
            self._validators[reference] = jsonschema_rs.validator_for(schema, validate_formats=True)
        return self._validators[reference]
