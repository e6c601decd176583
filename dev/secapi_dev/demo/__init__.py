"""`make demo`: one shot from nothing to a table of findings."""
