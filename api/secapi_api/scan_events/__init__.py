"""Following a scan: ``GET /v1/scans/{scanId}/events``."""
