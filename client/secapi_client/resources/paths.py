"""Paths of things that are named by people."""

from urllib.parse import quote


def named(collection: str, *names: str) -> str:
    """The path of the thing of these names below its collection, whatever the names are made of."""
    return "/".join([collection, *(quote(name, safe="") for name in names)])
