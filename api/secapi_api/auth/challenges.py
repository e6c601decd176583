"""What a caller without a good credential is told."""

from secapi_api.errors import CHALLENGE, Unauthenticated


def invalid_credential(detail: str) -> Unauthenticated:
    """The answer to a credential that proves nobody (any more)."""
    return Unauthenticated(detail, challenge=f'{CHALLENGE}, error="invalid_token"')
