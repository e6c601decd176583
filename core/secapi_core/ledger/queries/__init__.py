"""Reads. Each module has the values it returns; none of them is tied to a session."""
