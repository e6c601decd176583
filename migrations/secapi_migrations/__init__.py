"""Brings the ledger's schema to the newest revision: the command ``secapi-migrate`` around Alembic."""
