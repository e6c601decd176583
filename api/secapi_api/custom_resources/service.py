"""Decisions about what is kept in Kubernetes."""

from secapi_api.audit.trail import Trail
from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import FieldError, InvalidRequest, LedgerUnavailable
from secapi_api.kube.custom_resources import StoredResource
from secapi_api.ledger import Ledger, Within


def listed_namespace(caller: Caller, named: str | None) -> str | None:
    """The namespace whose objects ``caller`` wants to see, None for all. Raises InvalidRequest or Forbidden."""
    namespace = named or caller.home
    if namespace is not None:
        caller.require(Role.VIEWER, namespace)
    elif caller.namespaces is not None:
        missing = FieldError("/query/namespace", "you have a role in several namespaces or in none: name one")
        raise InvalidRequest("say which namespace you mean", errors=[missing])
    return namespace


async def record(
    ledger: Ledger,
    trail: Trail,
    kind: str,
    *,
    before: StoredResource | None = None,
    after: StoredResource | None = None,
) -> None:
    """Record a change that Kubernetes has made already, whether or not the ledger is there."""
    known = after or before
    assert known is not None  # noqa: S101 -- a change has one side at least
    subject, namespace = known.metadata.name, known.metadata.namespace
    try:
        async with ledger.transaction(Within(namespace)) as session:
            await trail.record(
                session,
                kind,
                subject,
                namespace=namespace,
                before=None if before is None else before.spec,
                after=None if after is None else after.spec,
            )
    except LedgerUnavailable:
        trail.unrecorded(kind, subject, namespace=namespace)
