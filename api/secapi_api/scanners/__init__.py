"""The catalogue of scanners, as the cluster has it: Scanners over REST."""
