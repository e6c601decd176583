"""The cookie that holds a session's secret."""

from datetime import datetime

from fastapi import Response

COOKIE = "__Host-secapi-session"
"""The prefix has browsers take it over TLS only, for this host alone, from nobody else."""


def set_cookie(response: Response, secret: str, expires_at: datetime) -> None:
    """Give the browser the session; no script can read it, and no other site can have it sent."""
    response.set_cookie(COOKIE, secret, expires=expires_at, path="/", secure=True, httponly=True, samesite="strict")


def clear_cookie(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
