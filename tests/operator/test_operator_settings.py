import pytest
from pydantic import ValidationError

from secapi_operator.settings import OperatorSettings, Tuning


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SECAPI_DATABASE_URL": "postgresql://ledger",
        "SECAPI_REDIS_URL": "redis://broker",
        "SECAPI_DENIED_CIDRS": '["10.96.0.0/12"]',
        "SECAPI_OPERATOR_WORKERS": "4",
        "POD_NAMESPACE": "elsewhere",
    }.items():
        monkeypatch.setenv(name, value)
    settings = OperatorSettings()
    assert settings.redis_url.get_secret_value() == "redis://broker"
    assert [str(cidr) for cidr in settings.denied_cidrs] == ["10.96.0.0/12"]
    assert settings.tuning.workers == 4
    assert settings.pod_namespace == "elsewhere"


def test_a_leader_must_stop_before_it_is_replaced() -> None:
    with pytest.raises(ValidationError, match="renew_deadline must be shorter"):
        Tuning(lease_duration=5, renew_deadline=5)


def test_a_wrong_setting_is_told_without_the_secrets_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECAPI_REDIS_URL", "redis://:hunter2@broker")
    monkeypatch.delenv("SECAPI_DATABASE_URL", raising=False)
    with pytest.raises(ValidationError) as caught:
        OperatorSettings()
    assert "database_url" in str(caught.value)
    assert "hunter2" not in str(caught.value)
