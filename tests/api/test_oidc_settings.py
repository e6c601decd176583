"""What is said about an OpenID provider that cannot be meant, before the process starts."""

import json

import pytest

from secapi_api.settings import ASYMMETRIC, ApiSettings, is_tamperproof
from secapi_core.environment import read_settings

NEEDED = {
    "SECAPI_DATABASE_URL": "postgresql://nowhere",
    "SECAPI_REDIS_URL": "redis://nowhere",
    "SECAPI_ARTIFACT_URL": "memory:///",
    "SECAPI_API_KEY_PEPPER": "sixteen characters",
}
PROVIDER = {"SECAPI_OIDC_ISSUER": "https://id.example/realms/team", "SECAPI_OIDC_AUDIENCE": "secapi"}


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ApiSettings:
    for name, value in {**NEEDED, **environment}.items():
        monkeypatch.setenv(name, value)
    return read_settings(ApiSettings)


def told(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    with pytest.raises(SystemExit) as ended:
        read(monkeypatch, **environment)
    return str(ended.value.code)


def test_without_an_issuer_there_is_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch).oidc_issuer is None


def test_an_issuer_is_taken_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    for issuer in (
        "https://ID.example",
        "https://id.example/",
        "https://id.example:8443/a//b",
        "http://[::1]:5556/dex",
    ):
        settings = read(monkeypatch, SECAPI_OIDC_ISSUER=issuer, SECAPI_OIDC_AUDIENCE="secapi")
        assert settings.oidc_issuer == issuer


@pytest.mark.parametrize(
    "issuer", ["", "id.example", "http://id.example", "ftp://id.example", "https://", "https://id.example/ x"]
)
def test_an_issuer_must_be_reached_by_https(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    sentence = told(monkeypatch, **{**PROVIDER, "SECAPI_OIDC_ISSUER": issuer})
    assert sentence == "SECAPI_OIDC_ISSUER: must be an https address, or an http address of this host"


@pytest.mark.parametrize("ending", ["?a=b", "#a", "@other.example"])
def test_an_issuer_is_an_address_and_no_more(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    sentence = told(monkeypatch, **{**PROVIDER, "SECAPI_OIDC_ISSUER": f"https://id.example{ending}"})
    assert sentence == "SECAPI_OIDC_ISSUER: must have no query, no fragment and no credentials"


def test_an_issuer_without_an_audience_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = told(monkeypatch, SECAPI_OIDC_ISSUER="https://id.example")
    assert sentence.startswith("set SECAPI_OIDC_AUDIENCE")


def test_algorithms_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = sorted(ASYMMETRIC)
    assert read(monkeypatch, **PROVIDER).oidc_algorithms == ("RS256", "ES256", "EdDSA")
    assert list(read(monkeypatch, SECAPI_OIDC_ALGORITHMS=json.dumps(chosen), **PROVIDER).oidc_algorithms) == chosen


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "none", "rs256", "RS1", ""])
def test_only_asymmetric_algorithms_can_be_named(monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    for named in ([algorithm], ["RS256", algorithm]):
        sentence = told(monkeypatch, SECAPI_OIDC_ALGORITHMS=json.dumps(named), **PROVIDER)
        assert sentence.startswith("SECAPI_OIDC_ALGORITHMS: must name asymmetric algorithms, which are ES256,")


def test_at_least_one_algorithm_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, SECAPI_OIDC_ALGORITHMS="[]", **PROVIDER).startswith("SECAPI_OIDC_ALGORITHMS: must name")


@pytest.mark.parametrize(
    ("url", "tamperproof"),
    [
        ("https://id.example", True),
        ("http://localhost:5556/dex", True),
        ("http://127.0.0.1", True),
        ("http://[::1]/", True),
        ("http://127.0.0.1.example", False),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("http://[::1", False),
        ("file:///etc/passwd", False),
        ("//localhost", False),
        ("ftp://localhost", False),
    ],
)
def test_only_this_host_is_reached_without_tls(url: str, tamperproof: bool) -> None:
    assert is_tamperproof(url) is tamperproof
