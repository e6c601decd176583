"""The words that go through the broker: task names, queue names, and one id.

Redis and Celery carry hints only (design P4): a message says "look at job X", or at delivery X, and the ledger decides
whether there is anything to do. Operator and workers share nothing but this module on that road.
"""

from enum import StrEnum

RUN_JOB = "secapi.jobs.run"
"""Task name; its only argument is the job's id as a string."""

DELIVER_EVENT = "secapi.webhooks.deliver"
"""Task name; its only argument is the delivery's id as a string."""

SYSTEM_POOL = "system"
"""The pool for what is not a scan; no scanner can be in it."""

DELIVERIES = f"{SYSTEM_POOL}.deliveries"
"""The Celery queue of the events that webhooks are told."""


class Priority(StrEnum):
    """Most urgent first; workers drain a pool's queues in this order."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


def queue_name(pool: str, priority: Priority) -> str:
    """The Celery queue of one pool and priority, e.g. ``scan.network.interactive``."""
    return f"scan.{pool}.{priority}"
