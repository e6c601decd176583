"""Statistics: how scans and findings develop, and how things stand."""
