"""Everything the API asks of Kubernetes: objects it writes, the catalogue and the policies it plans with."""
