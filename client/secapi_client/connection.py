"""Requests and their answers: pooled connections, retries, problems as exceptions, bodies as models."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, BinaryIO, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from secapi_client.errors import NotFound, SecapiError, UnexpectedAnswer, Unreachable, problem_error
from secapi_client.models.base import Model
from secapi_client.models.pages import Page
from secapi_client.models.problems import Problem
from secapi_client.retries import Retries

PAGE_LIMIT = 200
"""The most items that the server puts on one page."""

IDEMPOTENT = frozenset({"DELETE", "GET", "PUT"})

ModelT = TypeVar("ModelT", bound=Model)
Parameters: TypeAlias = Mapping[str, str | int | bool | Sequence[str] | None]
"""Of a query; what is None is left out."""


OnRetry: TypeAlias = Callable[[SecapiError, float], None]
"""Hears why a request is about to be sent again, and in how many seconds."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: ``json``, or a file that is read again for every attempt."""

    json: object = None
    file: BinaryIO | None = None

    def arguments(self) -> dict[str, Any]:
        """For httpx."""
        if self.file is None:
            return {"json": self.json} if self.json is not None else {}
        self.file.seek(0)
        return {"content": self.file}


class Connection:
    """What resources call; ``server`` is the URL below which ``/v1/…`` is."""

    def __init__(
        self, server: str, token: str | None, *, timeout: float, retries: Retries, on_retry: OnRetry | None = None
    ) -> None:
        """Connect when the first request is made."""
        self.server = _checked_server(server)
        self.retries = retries
        self._on_retry = on_retry or _unnoticed
        headers = {"Accept": "application/json", "User-Agent": f"secapi-client/{own_version()}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {_checked_token(token)}"
        self._http = httpx.Client(
            base_url=self.server, headers=headers, timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0))
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def get(
        self,
        path: str,
        kind: type[ModelT],
        *,
        parameters: Parameters | None = None,
        retries: Retries | None = None,
    ) -> ModelT:
        """Read a ``kind``; ``retries`` instead of the connection's own."""
        return self.read(kind, self.send("GET", path, parameters=parameters, retries=retries))

    def items(self, path: str, kind: type[ModelT], parameters: Parameters, limit: int | None) -> Iterator[ModelT]:
        """The items of a list, page by page as they are asked for, ``limit`` at most."""
        cursor: str | None = None
        wanted = limit
        while wanted is None or wanted > 0:
            size = PAGE_LIMIT if wanted is None else min(PAGE_LIMIT, wanted)
            page = self.get(path, Page[kind], parameters={**parameters, "limit": size, "cursor": cursor})  # type: ignore[valid-type]  # made of a value
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
            wanted = None if wanted is None else wanted - len(page.items)

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response | None:
        """The answer if there is anything in it; None if the thing is gone."""
        try:
            answer = self.send("DELETE", path, headers=headers)
        except NotFound as gone:
            if gone.attempts > 1:
                # An attempt before was carried out, but its answer was lost.
                return None
            raise
        return answer if answer.content else None

    def send(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        retries: Retries | None = None,
    ) -> httpx.Response:
        """The successful answer. A POST is sent again only if doing it twice is doing it once: ``repeatable``."""
        body, retries = body or Body(), retries or self.retries
        query = {name: value for name, value in (parameters or {}).items() if value is not None}
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            retry_after: str | None = None
            failure: SecapiError
            try:
                answer = self._http.request(method, path, params=query, headers=headers, **body.arguments())
            except httpx.TransportError as error:
                failure = self._unreachable(error)
                final = _refuses_certificate(error)
            except httpx.RequestError as error:
                raise UnexpectedAnswer(f"{self.server} gave an answer that cannot be read: {error}") from error
            else:
                if answer.is_success:
                    return answer
                failure = self._failure(answer, attempt)
                retry_after = answer.headers.get("Retry-After")
                final = answer.status_code not in retries.statuses
            wait = retries.delay(attempt, time.monotonic() - began, retry_after)
            if final or wait is None or not (repeatable or method in IDEMPOTENT):
                raise failure
            self._on_retry(failure, wait)
            time.sleep(wait)  # The client is a blocking one, and this is the pause that the server asked for.

    def read(self, kind: type[ModelT], answer: httpx.Response) -> ModelT:
        """The body of an answer."""
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise UnexpectedAnswer(
                f"{self.server} does not answer as a SecAPI server of version {own_version()}: "
                f"{answer.request.url.path} is not what it should be; check the address and both versions"
            ) from error

    def _failure(self, answer: httpx.Response, attempt: int) -> SecapiError:
        if answer.has_redirect_location:
            return UnexpectedAnswer(f"{self.server} redirects to {answer.headers['Location']}; use that address")
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError:
            # Not SecAPI's own words: a proxy, or a load balancer without a server behind it.
            problem = Problem(
                title=answer.reason_phrase,
                status=answer.status_code,
                detail=f"{self.server} answered {answer.status_code} {_phrase(answer.status_code)}",
                request_id=answer.headers.get("X-Request-ID", ""),
            )
        return problem_error(problem, attempt)

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        if _refuses_certificate(error):
            return Unreachable(
                f"{self.server} has a certificate that is not trusted here ({error}); "
                "name the file of your certificate authority in SSL_CERT_FILE"
            )
        if isinstance(error, httpx.TimeoutException):
            return Unreachable(f"{self.server} did not answer in time")
        return Unreachable(f"{self.server} cannot be reached: {error}")


def _unnoticed(_failure: SecapiError, _wait: float) -> None:
    pass


def own_version() -> str:
    """Of this client."""
    return version("secapi")


def _checked_server(server: str) -> str:
    address = urlsplit(server.strip())
    extra = address.username or address.query or address.fragment
    if address.scheme not in ("http", "https") or not address.hostname or extra:
        raise ValueError(f"the server must be an address like https://secapi.example, not {server!r}")
    return address.geturl().rstrip("/")


def _checked_token(token: str) -> str:
    """A key that fits into a header, or httpx would show it in an error of its own."""
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise ValueError("the API key must be one word of visible characters, like sk_…")
    return token


def _refuses_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(unknown)"
