"""Scans: submit, read, cancel, delete. The canonical resource: the others look like it."""
