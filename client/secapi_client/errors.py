"""What the library raises on purpose: one tree, in which a program finds out what to do next.

``SecapiError``
├── ``ProblemError``: the server answered a problem (RFC 9457)
│   ├── ``Refused``: 4xx, sending the same again is useless; ``Unauthenticated``, ``Forbidden``, ``NotFound``,
│   │   ``Conflict``
│   └── ``ServerFailed``: 5xx, even after the retries
├── ``Unreachable``: no answer at all, even after the retries
└── ``UnexpectedAnswer``: an answer that SecAPI would not give
"""

from secapi_client.models.problems import FieldProblem, Problem


class SecapiError(Exception):
    """Base; the text is a whole sentence for people."""


class Unreachable(SecapiError):
    """The server did not answer: no connection, one that broke, or no answer in time."""


class UnexpectedAnswer(SecapiError):
    """Whatever is at this address does not speak SecAPI's REST API, or another version of it."""


class ProblemError(SecapiError):
    """The server answered with an error; ``problem`` is all that it said."""

    def __init__(self, problem: Problem, *, attempts: int = 1) -> None:
        """``attempts`` is how often the request was sent."""
        self.problem = problem
        self.attempts = attempts
        super().__init__(problem.detail or problem.title)

    @property
    def type(self) -> str:
        """Stable name of the kind of problem, e.g. ``urn:secapi:problem:not-found``."""
        return self.problem.type

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def errors(self) -> tuple[FieldProblem, ...]:
        """The fields at fault, if it was about fields."""
        return self.problem.errors

    @property
    def request_id(self) -> str:
        """Names the request in the server's logs; empty if it never got there."""
        return self.problem.request_id


class ServerFailed(ProblemError):
    """5xx: the server, or something it depends on, is down or made a mistake."""


class Refused(ProblemError):
    """4xx: this request, with this key, is not accepted."""


class Unauthenticated(Refused):
    """401: the API key is unknown, expired or revoked, or there was none."""


class Forbidden(Refused):
    """403: the key has no such role there."""


class NotFound(Refused):
    """404: there is no such thing, or the key may not know of it."""


class Conflict(Refused):
    """409, 412: it does not fit what there is now, for instance because somebody else was faster."""


_BY_STATUS = {401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 412: Conflict}


def problem_error(problem: Problem, attempts: int) -> ProblemError:
    """The error of the class that the status asks for."""
    if problem.status >= 500:
        return ServerFailed(problem, attempts=attempts)
    return _BY_STATUS.get(problem.status, Refused)(problem, attempts=attempts)
