"""What the apiserver's refusals mean to a caller of the API."""

import re

from secapi_api.errors import ApiError, FieldError, Forbidden, InvalidRequest, KubernetesUnavailable
from secapi_api.kube.client import ApiserverRefused
from secapi_core.pointers import json_pointer

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[]+)")
"""One step of ``spec.targets[0].url``: a key or an index in brackets, or a name."""

_WHOLE = "<nil>"
"""How the apiserver names the object itself."""


def told(refused: ApiserverRefused, noun: str, *, made_in: str | None = None) -> ApiError:
    """For a request about a ``noun``; ``made_in`` is the namespace that it should be made in."""
    match refused.status:
        case 400 | 422:
            errors = [FieldError(pointer(c.get("field", "")), c.get("message", "")) for c in refused.causes]
            return InvalidRequest(f"Kubernetes refused the {noun}: {refused.message}", errors=errors)
        case 404 if made_in is not None:
            return InvalidRequest(
                f"there is no namespace {made_in!r}", errors=[FieldError("/namespace", "there is no such namespace")]
            )
        case 403:
            return Forbidden(f"Kubernetes refused the {noun}: {refused.message}")
        case _:
            return KubernetesUnavailable(f"the Kubernetes API refused the request ({refused.reason}); try again")


def pointer(field: str) -> str:
    """``spec.targets[0].url``, as the apiserver names a field, as a JSON pointer into the request's body.

    What a manifest has in ``metadata`` stands beside ``spec`` in our bodies. What is wrong with the whole object has no
    field.
    """
    if field == _WHOLE:
        return ""
    steps = [key or name for key, name in _STEP.findall(field)]
    return json_pointer(steps[1:] if steps[:1] == ["metadata"] else steps)
