"""The apiserver's refusals in the API's words."""

import pytest

from secapi_api.errors import ApiError, Forbidden, InvalidRequest, KubernetesUnavailable
from secapi_api.kube.client import ApiserverRefused
from secapi_api.kube.refusals import pointer, told


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("spec.targets[0].url", "/spec/targets/0/url"),
        (
            "spec.scanTemplate.metadata.labels[shop.example/team]",
            "/spec/scanTemplate/metadata/labels/shop.example~1team",
        ),
        ("spec.exitCodes.failures.7", "/spec/exitCodes/failures/7"),
        ("metadata.name", "/name"),
        ("metadata.namespace", "/namespace"),
        ("<nil>", ""),
        ("", ""),
    ],
)
def test_a_field_is_pointed_at_where_our_body_has_it(field: str, expected: str) -> None:
    assert pointer(field) == expected


@pytest.mark.parametrize(
    ("status", "made_in", "expected"),
    [
        (400, None, InvalidRequest),
        (403, None, Forbidden),
        (404, "team-a", InvalidRequest),
        (404, None, KubernetesUnavailable),
        (422, None, InvalidRequest),
        (409, None, KubernetesUnavailable),
    ],
)
def test_each_refusal_is_an_error_of_the_api(status: int, made_in: str | None, expected: type[ApiError]) -> None:
    assert isinstance(told(ApiserverRefused(status, {"reason": "Why"}), "schedule", made_in=made_in), expected)
