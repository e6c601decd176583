"""Which server is asked with which key. Pure but for reading what it is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from secapi_client.command_line.contexts import Context
from secapi_client.command_line.outcomes import CommandFailed

TOKEN = "SECAPI_TOKEN"  # noqa: S105 - the name of a variable
SERVER = "SECAPI_SERVER"


@dataclass(frozen=True, slots=True)
class Access:
    """A server and a key for it."""

    server: str
    token: str = field(repr=False)


def access(server: str | None, context: Context | None, environment: Mapping[str, str]) -> Access:
    """The server that was named, else the context's; the key of the environment, else the context's.

    A context's key is only ever sent to the context's server. Raises CommandFailed, saying what to do.
    """
    wanted = server or (context.server if context is not None else None)
    if wanted is None:
        raise CommandFailed(f"say which server to ask: 'secapi login URL', or {SERVER} and {TOKEN}")
    if token := environment.get(TOKEN, "").strip():
        return Access(wanted, token)
    if context is not None and wanted.rstrip("/") == context.server:
        return Access(wanted, context.token)
    raise CommandFailed(f"there is no API key for {wanted}: 'secapi login {wanted}', or {TOKEN}")
