"""The chart holds no secret: it names Secrets, and makes one only for an evaluation."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from rendering import NAMESPACE, VALUES, Rendering, environment, render, secrets
from secapi_dev import paths
from secapi_dev.charttools.templating import Helm

SECRETIVE = re.compile(r"password|passwd|secret|token|pepper|dsn|credential|_key$|_url$", re.IGNORECASE)

DATABASE = {"SECAPI_DATABASE_URL": ("scanner-database", "databaseUrl")}
REDIS = {"SECAPI_REDIS_URL": ("scanner-redis", "redisUrl")}
PEPPER = {"SECAPI_API_KEY_PEPPER": ("scanner-pepper", "pepper")}
WEBHOOKS = {"SECAPI_WEBHOOK_KEY": ("scanner-webhooks", "webhookKey")}
GENERATED = (
    "adminPassword",
    "databasePassword",
    "apiPassword",
    "scalerPassword",
    "redisPassword",
    "pepper",
    "webhookKey",
)


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        inner = f"{path}.{name}".removeprefix(".")
        if isinstance(value, dict):
            yield from leaves(value, inner)
        else:
            yield inner, value


def test_no_value_is_a_secret() -> None:
    values = yaml.safe_load((paths.CHART / "values.yaml").read_text())
    suspicious = {path: value for path, value in leaves(values) if SECRETIVE.search(path.rpartition(".")[2]) and value}
    assert suspicious == {}


@pytest.mark.parametrize("values", [name for name in VALUES if name != "embedded"])
def test_a_production_installation_makes_no_secret(values: str, renderings: Mapping[str, Rendering]) -> None:
    assert renderings[values].kind("Secret") == []
    for pod in renderings[values].pods():
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
            in_the_open = {name for name in environment({"env": container.get("env", [])}) if SECRETIVE.search(name)}
            assert in_the_open <= {"SECAPI_ARTIFACT_URL"}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ("api", DATABASE | PEPPER | REDIS | WEBHOOKS),
        ("operator", DATABASE | REDIS),
        ("worker-code", DATABASE | REDIS),
        ("worker-system", DATABASE | REDIS | WEBHOOKS),
        ("migrations", DATABASE),
    ],
)
def test_each_component_gets_the_secrets_it_needs(
    container: str, expected: dict[str, tuple[str, str]], external: Rendering
) -> None:
    assert secrets(external.container(container)) == expected


def test_the_api_may_have_an_address_of_its_own(everything: Rendering) -> None:
    found = {
        name: secrets(everything.container(name))["SECAPI_DATABASE_URL"] for name in ("api", "operator", "migrations")
    }
    assert found == {"api": ("scanner-database", "apiUrl")} | dict.fromkeys(
        ("operator", "migrations"), ("scanner-database", "databaseUrl")
    )


def test_the_object_stores_credentials_go_to_who_reads_and_writes_it(production: Rendering) -> None:
    holders = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]
        for pod in production.pods()
        if {"secretRef": {"name": "scanner-objects"}} in pod["spec"]["containers"][0].get("envFrom", [])
    }
    assert holders == {"api", "worker"}


def test_errors_are_reported_with_the_dsn_of_a_secret(everything: Rendering) -> None:
    for name in ("api", "operator", "worker-code"):
        assert secrets(everything.container(name))["SENTRY_DSN"] == ("scanner-errors", "dsn")


def decoded(rendering: Rendering) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in rendering.one("Secret", "embedded")["data"].items()}


def test_an_evaluation_has_random_passwords(embedded: Rendering) -> None:
    data = decoded(embedded)
    passwords = [data[key] for key in GENERATED]
    assert len(set(passwords)) == len(passwords)
    assert all(re.fullmatch(r"[A-Za-z0-9]{40}", password) for password in passwords)


def test_the_addresses_of_an_evaluation_lead_to_its_servers(embedded: Rendering) -> None:
    data = decoded(embedded)
    for key, service, port in [
        ("databaseUrl", "postgresql", 5432),
        ("apiDatabaseUrl", "postgresql", 5432),
        ("scalerUrl", "postgresql", 5432),
        ("redisUrl", "redis", 6379),
    ]:
        url = urlsplit(data[key])
        assert url.hostname == f"acme-secapi-{service}.{NAMESPACE}.svc"
        assert url.port == port == embedded.one("Service", service)["spec"]["ports"][0]["port"]
    assert urlsplit(data["databaseUrl"]).password == data["databasePassword"]
    assert urlsplit(data["apiDatabaseUrl"]).password == data["apiPassword"]
    assert urlsplit(data["apiDatabaseUrl"]).username == "secapi_api"
    assert urlsplit(data["scalerUrl"]).username == "secapi_scaler"
    assert data["redis.conf"].startswith(f"requirepass {data['redisPassword']}\n")


async def test_every_rendering_of_an_evaluation_has_passwords_of_its_own(embedded: Rendering, helm: Helm) -> None:
    assert decoded(embedded)["pepper"] != decoded(await render(helm, VALUES["embedded"]))["pepper"]


def test_passwords_of_an_evaluation_are_only_in_its_secret(embedded: Rendering) -> None:
    for key in GENERATED:
        assert embedded.text.count(decoded(embedded)[key]) == 0
