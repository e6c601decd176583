"""The audit trail: every route that changes something records who did what."""
