"""What operations are called: in the OpenAPI document, and so in clients made from it, and in the audit trail."""

from fastapi.routing import APIRoute


def operation_id(route: APIRoute) -> str:
    """``list_scans`` becomes ``listScans``: stable as long as the function keeps its name."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)
