"""The servers that a deployment brings itself and the local stack embeds: PostgreSQL and Valkey."""
