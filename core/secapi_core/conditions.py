"""Reading and setting ``metav1.Condition`` lists, with the rules of Kubernetes' own ``meta.SetStatusCondition``."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from secapi_core.crds.base import Condition

ACCEPTED = "Accepted"
SUCCEEDED = "Succeeded"
GATE_PASSED = "GatePassed"

MESSAGE_BYTES = 512
"""UTF-8 bytes kept of a message: three conditions and everything else of a status stay within 4 KB (promise P12)."""

ConditionStatus = Literal["True", "False", "Unknown"]


def find_condition(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """The condition of this type, if it was ever set."""
    return next((condition for condition in conditions if condition.type == type_), None)


def is_true(conditions: Iterable[Condition], type_: str) -> bool:
    """Whether the condition is there with status ``True``."""
    condition = find_condition(conditions, type_)
    return condition is not None and condition.status == "True"


def set_condition(
    conditions: Iterable[Condition],
    type_: str,
    status: ConditionStatus,
    reason: str,
    message: str,
    *,
    now: datetime,
    observed_generation: int | None = None,
) -> list[Condition]:
    """The list with this condition set, others and their order untouched.

    ``lastTransitionTime`` becomes ``now`` (to the second, as Kubernetes writes times) only when the status changes.
    """
    conditions = list(conditions)
    before = find_condition(conditions, type_)
    condition = Condition(
        type=type_,
        status=status,
        observed_generation=observed_generation,
        last_transition_time=before.last_transition_time
        if before is not None and before.status == status
        else now.replace(microsecond=0),
        reason=reason,
        message=_bounded(message),
    )
    if before is None:
        return [*conditions, condition]
    return [condition if other.type == type_ else other for other in conditions]


def _bounded(message: str) -> str:
    """At most ``MESSAGE_BYTES`` of it, control characters as spaces: JSON would spell each with six bytes."""
    printable = re.sub(r"[\x00-\x1f\x7f]+", " ", message).encode("utf-8", "replace")
    if len(printable) <= MESSAGE_BYTES:
        return printable.decode()
    ellipsis = "…"
    return printable[: MESSAGE_BYTES - len(ellipsis.encode())].decode(errors="ignore") + ellipsis
