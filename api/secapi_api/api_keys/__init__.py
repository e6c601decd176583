"""API keys, made by whoever can reach the database."""
