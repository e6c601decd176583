"""Recording what a request changes; a route asks for a :class:`Trail` and records in the transaction of the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.auth.callers import Caller
from secapi_api.dependencies import AuthenticatedCaller
from secapi_api.operations import operation_id
from secapi_core.ledger.transitions.audit import NewAuditEvent, record_event

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trail:
    """Who asks, for which operation, in which request."""

    caller: Caller
    action: str
    request_id: str

    async def record(
        self,
        session: AsyncSession,
        kind: str,
        subject: object,
        *,
        namespace: str | None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> None:
        """Append to the trail; ``before`` and ``after`` are JSON without secrets, ``None`` where there was nothing.

        ``once``: unless it is there already, for requests that may be repeated without doing anything again.
        """
        await record_event(session, self._event(kind, subject, namespace, before, after), once=once)

    def unrecorded(self, kind: str, subject: object, *, namespace: str | None) -> None:
        """What was done could not be recorded, because the ledger is away: the log has it instead."""
        event = self._event(kind, subject, namespace, None, None)
        log.warning(
            "audit event only logged",
            actor=event.actor,
            action=event.action,
            kind=event.kind,
            subject=event.subject,
            namespace=event.namespace,
        )

    def _event(
        self,
        kind: str,
        subject: object,
        namespace: str | None,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> NewAuditEvent:
        return NewAuditEvent(
            actor=self.caller.id,
            actor_name=self.caller.name,
            action=self.action,
            kind=kind,
            subject=str(subject),
            namespace=namespace,
            request_id=self.request_id,
            before=before,
            after=after,
        )


def trail_of(request: Request, caller: Caller) -> Trail:
    """What ``caller`` does in ``request`` is recorded here."""
    return Trail(caller, operation_id(request.scope["route"]), request.scope["state"]["request_id"])


async def _trail(request: Request, caller: AuthenticatedCaller) -> Trail:
    return trail_of(request, caller)


AuditTrail = Annotated[Trail, Depends(_trail)]
"""Where the route records what it changes. Actions are the OpenAPI document's operation ids."""
