"""Who is told what when a transaction commits: channels of Postgres ``NOTIFY``.

A notification is a hint to look sooner; whoever misses one finds the same in the next sweep.
"""

OUTBOX = "secapi_outbox"
"""New messages wait in the outbox; no payload."""

SCANS = "secapi_scans"
"""A scan began to run or ended; the payload is ``namespace/name``."""

CANCEL = "secapi_cancel"
"""A running job should stop; the payload is its id."""
