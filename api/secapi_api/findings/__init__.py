"""Findings, as a scan saw them."""
