"""Answers of the probes."""

from typing import Literal

from secapi_api.schemas import Schema


class Alive(Schema):
    """This process answers."""

    status: Literal["ok"] = "ok"


class Ready(Schema):
    """This process can serve requests."""

    status: Literal["ready"] = "ready"
    database: Literal["ok"] = "ok"
    kubernetes: Literal["ok"] = "ok"
