"""Whether the database has the tables that this version of the code needs, and keeps tenants apart."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.tables import Base

_MISSING = text("""
    SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NULL ORDER BY name
""")

_HELD = text("SELECT row_security_active('scans')")


async def schema_problem(session: AsyncSession) -> str:
    """One sentence for whoever looks at a probe, empty if nothing is missing.

    Only missing tables count: while an upgrade is rolled out, the version before runs on the newer schema.
    """
    missing = list(await session.scalars(_MISSING, {"names": list(Base.metadata.tables)}))
    return f"the database has no table {', '.join(missing)}: run secapi-migrate" if missing else ""


async def row_security_problem(session: AsyncSession) -> str:
    """One sentence if row-level security does not hold the role that asks, empty if it does; the tables must be there.

    It holds no superusers, no roles with BYPASSRLS, and no owners.
    """
    if (await session.execute(_HELD)).scalar_one():
        return ""
    return "row-level security does not hold the role of this service: it must own nothing and bypass nothing"
