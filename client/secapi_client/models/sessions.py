"""Answers of ``/v1/sessions``."""

from datetime import datetime

from secapi_client.models.base import Model


class Identity(Model):
    """Who calls, and what they may do."""

    id: str
    name: str
    roles: dict[str, str]
    """By namespace."""

    everywhere: str | None
    """The role that holds in every namespace."""

    scopes: list[str] | None
    """What the key is good for; None is everything that the roles allow."""

    expires_at: datetime | None
    """None for API keys, whose own end is not told here."""
