"""Scans at fixed times: ScanSchedules over REST."""
