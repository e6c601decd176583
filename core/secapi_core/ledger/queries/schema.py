"""Whether the database has the tables that this version of the code needs."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.tables import Base

_MISSING = text("""
    SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NULL ORDER BY name
""")


async def schema_problem(session: AsyncSession) -> str:
    """One sentence for whoever looks at a probe, empty if nothing is missing.

    Only missing tables count: while an upgrade is rolled out, the version before runs on the newer schema.
    """
    missing = list(await session.scalars(_MISSING, {"names": list(Base.metadata.tables)}))
    return f"the database has no table {', '.join(missing)}: run secapi-migrate" if missing else ""
