"""``secapi-api-key``: make an API key from inside the platform, above all the first one.

Reads the environment of ``secapi-api``, so ``kubectl exec`` into one of its pods is enough. Standard output is the
secret and nothing else; it is not stored anywhere.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError

from secapi_api.api_keys.schemas import NAME_LENGTH
from secapi_api.auth.callers import Role
from secapi_api.errors import LedgerUnavailable
from secapi_api.ledger import SYSTEM, Ledger
from secapi_api.schemas import Namespace
from secapi_api.settings import ApiSettings
from secapi_core.environment import read_settings
from secapi_core.ledger.queries.schema import schema_problem
from secapi_core.ledger.restricted import RestrictedDatabase
from secapi_core.ledger.transitions.api_keys import create_api_key

LONGEST_DAYS = 3_650


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script: exit status 2 for bad arguments, 1 when the key cannot be stored."""
    arguments = _parser().parse_args(argv)
    settings = read_settings(ApiSettings)
    try:
        secret = asyncio.run(_create(settings, arguments))
    except LedgerUnavailable as error:
        sys.exit(f"secapi-api-key: SECAPI_DATABASE_URL: {error.detail}")
    sys.stdout.write(f"{secret}\n")


async def _create(settings: ApiSettings, arguments: argparse.Namespace) -> str:
    database = RestrictedDatabase(settings, application="secapi-api-key")
    try:
        async with Ledger(database).transaction(SYSTEM) as session:
            if problem := await schema_problem(session):
                raise LedgerUnavailable(problem)
            issued = await create_api_key(
                session,
                name=arguments.name,
                namespace=arguments.namespace,
                role=arguments.role,
                pepper=settings.pepper,
                created_by="secapi-api-key",
                lifetime=timedelta(days=arguments.expires_days) if arguments.expires_days else None,
            )
        return issued.secret
    finally:
        await database.close()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("secapi-api-key", description="Make an API key; its secret is shown this once.")
    parser.add_argument("--name", required=True, type=_name, help="what people will know the key by")
    scope = parser.add_mutually_exclusive_group(required=True)
    scope.add_argument("--namespace", type=_namespace, help="the namespace that the role holds in")
    scope.add_argument("--platform", action="store_true", help="the role holds in every namespace")
    parser.add_argument("--role", required=True, choices=[role.value for role in Role], help="what the key may do")
    parser.add_argument("--expires-days", type=_days, metavar="DAYS", help="good for so long; otherwise until revoked")
    return parser


def _name(text: str) -> str:
    if not text.isprintable() or not 1 <= len(text.strip()) <= NAME_LENGTH:
        raise argparse.ArgumentTypeError(f"must be 1 to {NAME_LENGTH} printable characters")
    return text.strip()


def _namespace(text: str) -> str:
    try:
        return TypeAdapter[str](Namespace).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError("must be the name of a Kubernetes namespace, such as team-a") from None


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a number of days from 1 to {LONGEST_DAYS}")
    return int(text)
