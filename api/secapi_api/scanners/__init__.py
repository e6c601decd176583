"""The catalogue of scanners, as the cluster has it."""
