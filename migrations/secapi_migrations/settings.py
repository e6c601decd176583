"""What ``secapi-migrate`` can be told, from ``SECAPI_…`` environment variables."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class MigrationSettings(BaseSettings):
    """Where the database is, and how long it may take to appear."""

    model_config = SettingsConfigDict(env_prefix="SECAPI_", extra="ignore", frozen=True, use_attribute_docstrings=True)

    database_url: SecretStr
    """``postgresql://user:password@host:port/database``, of the role that owns the tables."""

    migrate_wait: Annotated[float, Field(ge=0, le=3_600)] = 120.0
    """How long to wait for a database that does not answer."""
