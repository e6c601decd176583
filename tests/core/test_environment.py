"""What whoever starts a component with a wrong environment gets to read."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from secapi_core.environment import read_settings, require_cluster


class Inner(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SECAPI_INNER_")

    workers: Annotated[int, Field(ge=1)] = 1


class Outer(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SECAPI_")

    pepper: Annotated[SecretStr, Field(min_length=16)]
    pools: tuple[str, ...] = ()
    pod_name: Annotated[int, Field(validation_alias="POD_NAME")] = 0
    inner: Inner = Field(default_factory=Inner)

    @field_validator("pools")
    @classmethod
    def _several(cls, pools: tuple[str, ...]) -> tuple[str, ...]:
        if len(pools) == 1:
            raise ValueError("must be more than one")
        return pools


def told(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        read_settings(Outer)
    return str(ended.value.code)


def test_right_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECAPI_PEPPER", "sixteen characters")
    monkeypatch.setenv("SECAPI_INNER_WORKERS", "3")

    assert read_settings(Outer).inner.workers == 3


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch) == "SECAPI_PEPPER is not set"


def test_every_wrong_variable_is_named_and_no_value_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told(monkeypatch, SECAPI_PEPPER="hunter2", POD_NAME="x").splitlines()

    assert [line.partition(":")[0] for line in lines] == ["SECAPI_PEPPER", "POD_NAME"]
    assert "hunter2" not in "".join(lines)


def test_a_variable_of_a_group_is_named_with_the_groups_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = told(monkeypatch, SECAPI_PEPPER="sixteen characters", SECAPI_INNER_WORKERS="0")

    assert wrong == "SECAPI_INNER_WORKERS: Input should be greater than or equal to 1"


def test_a_rule_of_our_own_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = told(monkeypatch, SECAPI_PEPPER="sixteen characters", SECAPI_POOLS='["a"]')

    assert wrong == "SECAPI_POOLS: must be more than one"


def test_a_list_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert '"pools"' in told(monkeypatch, SECAPI_PEPPER="sixteen characters", SECAPI_POOLS="a,b")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a process that is told of no cluster."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_kubeconfig_is_enough(elsewhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").touch()
    elsewhere.setenv("KUBECONFIG", str(tmp_path / "config"))
    require_cluster()


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "KUBECONFIG is not set and this is not a pod: name a kubeconfig by it"),
        ({"KUBECONFIG": "/nowhere/config"}, "KUBECONFIG: there is no file /nowhere/config"),
        (
            {"KUBERNETES_SERVICE_HOST": "10.96.0.1"},
            "this pod has no service account token: set automountServiceAccountToken, or name a KUBECONFIG",
        ),
    ],
)
def test_a_process_without_a_cluster_ends_with_a_sentence(
    elsewhere: pytest.MonkeyPatch, environment: dict[str, str], sentence: str
) -> None:
    for name, value in environment.items():
        elsewhere.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        require_cluster()
    assert ended.value.code == sentence
