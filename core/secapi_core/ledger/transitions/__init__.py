"""The only code that changes the state of a scan or a job: one module per transition.

Each takes the caller's open session, is one statement or a few in that transaction, and never commits. Rows are locked
in one order everywhere: jobs by id, then findings by fingerprint, then scans by id.

The modules whose names begin with an underscore are what several transitions share: ``_fence`` proves that an attempt
still owns its job, ``_settle`` ends a job and perhaps its scan, ``_retry`` gives a job another attempt or buries it.
"""
