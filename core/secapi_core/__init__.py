"""What the components share: resources, ledger, errors, logs and metrics. Imports no framework."""
