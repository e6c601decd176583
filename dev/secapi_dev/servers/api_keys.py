"""The API key that a stack hands to its user."""


async def create_admin_key(database_url: str, pepper: str) -> str:
    """Add a key for the whole platform to the ledger; the secret, which is stored nowhere."""
    # SQLAlchemy takes a second to import: here that second passes while other servers start.
    from secapi_core.ledger.database import Database
    from secapi_core.ledger.transitions.api_keys import create_api_key
    from secapi_core.settings import Settings

    database = Database(Settings(database_url=database_url), application="secapi-dev")
    try:
        async with database.transaction() as session:
            issued = await create_api_key(
                session, name="secapi-dev", namespace=None, role="admin", pepper=pepper.encode()
            )
        return issued.secret
    finally:
        await database.close()
