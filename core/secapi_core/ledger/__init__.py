"""The ledger: what happened, in Postgres.

``tables`` are the rows, ``transitions`` the only code that changes a scan's or a job's state, ``queries`` the reads.
Every transition takes an open session and is one statement or one transaction of the caller's; none commits.
"""
