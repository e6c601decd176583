"""Answers of ``/v1/scanners``."""

from typing import Any

from secapi_client.models.base import Model


class Scanner(Model):
    """One entry of the catalogue."""

    name: str
    title: str
    description: str
    family: str
    target_types: list[str]
    parameters_schema: dict[str, Any]
    output_format: str
    pool: str
