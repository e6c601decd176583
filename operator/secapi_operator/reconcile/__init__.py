"""Bringing one ScanRequest a step further: what to do is decided purely, then done."""
