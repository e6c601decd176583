"""What the options before every command amount to."""

import os
from dataclasses import dataclass

import typer

from secapi_client.client import Client
from secapi_client.command_line import contexts
from secapi_client.command_line.access import access
from secapi_client.command_line.contexts import Context
from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.command_line.output import Output
from secapi_client.errors import SecapiError


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the command line; commands get it by :meth:`of`."""

    output: Output
    server: str | None
    context: str | None

    @classmethod
    def of(cls, context: typer.Context) -> "Session":
        """The session that the command line's callback made."""
        session = context.find_root().obj
        if not isinstance(session, cls):
            raise TypeError("the callback has not run")
        return session

    def client(self) -> Client:
        """A client of the server that is meant; use it in a ``with`` statement."""
        chosen = access(self.server, self._context(), os.environ)
        return connect(chosen.server, chosen.token, self.output)

    def known_server(self) -> str | None:
        """The server that is meant, if any is known."""
        context = self._context()
        return self.server or (context.server if context is not None else None)

    def listed_namespace(self, named: str | None, *, every: bool) -> str | None:
        """The namespace whose things are listed; None is ``every`` one."""
        return None if every else self.namespace(named)

    def namespace(self, named: str | None) -> str | None:
        """The namespace that is meant: the one named, else the context's."""
        context = self._context()
        return named or (context.namespace if context is not None else None)

    def required_namespace(self, named: str | None) -> str:
        """The same where there must be one."""
        namespace = self.namespace(named)
        if namespace is None:
            raise CommandFailed("say which namespace: --namespace, SECAPI_NAMESPACE, or 'secapi login --namespace'")
        return namespace

    def _context(self) -> Context | None:
        return contexts.read().get(self.context)


def connect(server: str, token: str | None, output: Output) -> Client:
    """A client that tells when it has to try again; an address or a key that cannot be one is the user's mistake."""

    def tell(failure: SecapiError, wait: float) -> None:
        output.say(f"{failure}; trying again in {wait:.0f} s")

    try:
        return Client(server, token, on_retry=tell)
    except ValueError as error:
        raise CommandFailed(str(error)) from error
