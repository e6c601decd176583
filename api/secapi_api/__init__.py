"""SecAPI control API: FastAPI over the ledger and the custom resources."""
