"""The server about itself."""

from secapi_client.models.base import Model


class ServerInfo(Model):
    """The part of ``/openapi.json`` that says which SecAPI it is."""

    title: str
    version: str


class ServerDocument(Model):
    """``/openapi.json``, as far as it is of interest."""

    info: ServerInfo
