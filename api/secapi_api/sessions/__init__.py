"""Browsers' sessions: logging in with a password, and who is logged in."""
