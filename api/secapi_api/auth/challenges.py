"""What a caller without a good credential is told."""

from secapi_api.errors import Unauthenticated

CHALLENGE = 'Bearer realm="secapi"'
"""``WWW-Authenticate`` for those who sent nothing."""


def invalid_credential(detail: str) -> Unauthenticated:
    """The answer to a credential that proves nobody (any more)."""
    return Unauthenticated(detail, headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'})
