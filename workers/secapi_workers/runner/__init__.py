"""From a job's id to its committed outcome: claim, sandbox, heartbeat, verdict, finish."""
