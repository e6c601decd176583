"""``/v1/schedules``."""

from collections.abc import Iterator
from typing import cast

from secapi_client.connection import Body, Connection
from secapi_client.errors import NotFound
from secapi_client.models.custom_resources import Schedule
from secapi_client.models.specs import ScheduleSpec
from secapi_client.resources.changes import repeated
from secapi_client.resources.paths import named


class Schedules:
    """Scans at fixed times."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(self, *, namespace: str | None = None, limit: int | None = None) -> Iterator[Schedule]:
        """By name; without a namespace, of the only one that the key is good for, or of all."""
        return self._connection.items("/v1/schedules", Schedule, {"namespace": namespace}, limit)

    def get(self, namespace: str, name: str) -> Schedule:
        """One schedule."""
        return self._connection.get(named("/v1/schedules", namespace, name), Schedule)

    def create(self, namespace: str, name: str, spec: ScheduleSpec) -> Schedule:
        """Begin a schedule; raises Conflict if there is one of this name, perhaps by an attempt before."""
        body = Body({"namespace": namespace, "name": name, "spec": spec})
        return self._connection.read(
            Schedule, self._connection.send("POST", "/v1/schedules", body=body, repeatable=True)
        )

    def replace(self, read: Schedule, spec: ScheduleSpec) -> Schedule:
        """Give it another spec; raises Conflict if it has changed since it was ``read``."""
        path = named("/v1/schedules", read.namespace, read.name)
        answer = self._connection.send("PUT", path, body=Body({"spec": spec}), headers=_unchanged(read))
        return self._connection.read(Schedule, answer)

    def apply(self, namespace: str, name: str, spec: ScheduleSpec) -> Schedule:
        """Create it, or replace the spec that it has."""

        def attempt() -> Schedule:
            try:
                read = self.get(namespace, name)
            except NotFound:
                return self.create(namespace, name, spec)
            return self.replace(read, spec)

        return repeated(attempt)

    def suspend(self, namespace: str, name: str, *, suspended: bool = True) -> Schedule:
        """Start no further runs, or start them again; all else stays as it is."""

        def attempt() -> Schedule:
            read = self.get(namespace, name)
            if read.spec.get("suspend", False) is suspended:
                return read
            return self.replace(read, cast("ScheduleSpec", read.spec | {"suspend": suspended}))

        return repeated(attempt)

    def delete(self, namespace: str, name: str) -> None:
        """End the schedule; scans that it has started stay."""

        def attempt() -> None:
            read = self.get(namespace, name)
            self._connection.delete(named("/v1/schedules", namespace, name), headers=_unchanged(read))

        repeated(attempt)


def _unchanged(read: Schedule) -> dict[str, str]:
    return {"If-Match": f'"{read.resource_version}"'}
