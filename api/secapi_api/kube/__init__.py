"""Everything the API asks of Kubernetes: ScanRequests it writes, the catalogue and the policies it reads."""
