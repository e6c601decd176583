"""What an API key's secret looks like and how it is checked. Pure.

``sk_<prefix>_<random>``: the prefix finds the row, the 256 random bits prove the caller. The ledger keeps an HMAC
under a pepper that is not in the database, so neither a stolen dump nor a guess against it gives a secret away.
"""

import hmac
import re
import secrets
from dataclasses import dataclass

_SECRET = re.compile(r"sk_(?P<prefix>[a-z0-9]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
_PREFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Secret:
    """A well-formed secret."""

    text: str
    prefix: str

    @classmethod
    def new(cls) -> "Secret":
        """Random."""
        prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
        return cls(f"sk_{prefix}_{secrets.token_urlsafe(32)}", prefix)

    @classmethod
    def parse(cls, text: str) -> "Secret | None":
        """``None`` for anything that cannot be a secret."""
        match = _SECRET.fullmatch(text)
        return cls(text, match["prefix"]) if match else None

    def digest(self, pepper: bytes) -> bytes:
        """32 bytes to be stored."""
        return hmac.digest(pepper, self.text.encode(), "sha256")

    def matches(self, digest: bytes, pepper: bytes) -> bool:
        """Whether ``digest`` was made from this secret, in a time that does not depend on the answer."""
        return hmac.compare_digest(self.digest(pepper), digest)
