"""Errors as the server tells them (RFC 9457)."""

from secapi_client.models.base import Model


class FieldProblem(Model):
    """One thing wrong with the request; ``pointer`` is a JSON pointer into the body, or ``/query/…`` and the like."""

    pointer: str
    detail: str


class Problem(Model):
    """What went wrong, for programs (``type``, ``errors``) and people (``title``, ``detail``)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    request_id: str = ""
    errors: tuple[FieldProblem, ...] = ()
