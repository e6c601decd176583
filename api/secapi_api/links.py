"""Where an answer leads, as OpenAPI links: which part of it is which parameter of which other operation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_VERSION = "$response.header.ETag"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is named by ``parameters`` of paths, and the operations that take these.

    ``made`` answer one such thing, ``lists`` many, and ``changes`` need its version, which all that is ``made`` has.
    """

    parameters: dict[str, str]
    """Parameters with their places, and the fields of an answer that are their values."""

    made: tuple[str, ...]
    lists: tuple[str, ...]
    takes: tuple[str, ...]
    changes: tuple[str, ...] = ()

    def links(self, operation_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Names of links of the answer of an operation, and the links."""
        if operation_id in self.made:
            given = {name: f"$response.body#/{field}" for name, field in self.parameters.items()}
            yield from ((target, _link(target, given)) for target in self.takes)
            yield from ((target, _link(target, given | {"header.If-Match": _VERSION})) for target in self.changes)
        elif operation_id in self.lists:
            given = {name: f"$response.body#/items/0/{field}" for name, field in self.parameters.items()}
            yield from ((target, _link(target, given)) for target in self.takes)


_SCAN = (
    *("getScan", "deleteScan", "cancelScan", "rerunScan", "followScan"),
    *("listScanJobs", "listScanFindings", "listScanArtifacts"),
)
_PLACE = {"path.namespace": "namespace", "path.name": "name"}

KINDS = (
    Kind({"path.scanId": "id"}, ("createScan", "rerunScan", "replayDeadLetter", "getScan"), ("listScans",), _SCAN),
    Kind(
        {"path.deadLetterId": "id"},
        ("getDeadLetter",),
        ("listDeadLetters",),
        ("getDeadLetter", "replayDeadLetter", "purgeDeadLetter"),
    ),
    Kind(
        {"path.digest": "digest", "query.namespace": "namespace"},
        ("uploadArtifact",),
        ("listArtifacts", "listScanArtifacts"),
        ("getArtifact",),
    ),
    Kind(
        _PLACE,
        ("createSchedule", "getSchedule", "replaceSchedule"),
        ("listSchedules",),
        ("getSchedule",),
        ("replaceSchedule", "deleteSchedule"),
    ),
    Kind(
        _PLACE,
        ("createPolicy", "getPolicy", "replacePolicy"),
        ("listPolicies",),
        ("getPolicy",),
        ("replacePolicy", "deletePolicy"),
    ),
    Kind(
        {"path.name": "name"},
        ("createScanner", "getScanner", "replaceScanner"),
        ("listScanners",),
        ("getScanner",),
        ("replaceScanner", "deleteScanner"),
    ),
    Kind({"path.sessionId": "id"}, (), ("listSessions",), ("endSession",)),
    Kind({"path.userId": "id"}, ("createUser", "getUser", "changeUser"), ("listUsers",), ("getUser",), ("changeUser",)),
    Kind(
        {"path.membershipId": "id"},
        ("createMembership", "getMembership", "changeMembership"),
        ("listMemberships",),
        ("getMembership",),
        ("changeMembership", "removeMembership"),
    ),
    Kind(
        {"path.keyId": "id"},
        ("createApiKey", "rotateApiKey", "getApiKey"),
        ("listApiKeys",),
        ("getApiKey", "rotateApiKey", "revokeApiKey"),
    ),
    Kind(
        {"path.webhookId": "id"},
        ("createWebhook", "getWebhook", "changeWebhook", "rotateWebhookSecret"),
        ("listWebhooks",),
        ("getWebhook", "rotateWebhookSecret", "pingWebhook", "listWebhookDeliveries", "removeWebhook"),
        ("changeWebhook",),
    ),
    Kind(
        {"path.webhookId": "webhookId", "path.deliveryId": "id"},
        ("pingWebhook", "getWebhookDelivery", "replayWebhookDelivery"),
        ("listWebhookDeliveries",),
        ("getWebhookDelivery", "replayWebhookDelivery"),
    ),
)


def document_links(document: dict[str, Any]) -> None:
    """Add its links to every success."""
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        links = {name: link for kind in KINDS for name, link in kind.links(operation["operationId"])}
        for status in links and [status for status in operation["responses"] if status.startswith("2")]:
            operation["responses"][status]["links"] = links


def _link(target: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {"operationId": target, "parameters": parameters}
