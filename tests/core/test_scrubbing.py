"""What leaves the platform holds no secret, whatever it is part of."""

from typing import Any

import pytest

from secapi_core.scrubbing import REMOVED, Scrubber
from secapi_core.settings import Settings, secret_values

PASSWORD = "k7#Zq-secret"  # noqa: S105 -- made up


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (
            "cannot connect to postgresql://secapi:hunter2@db:5432/secapi",
            f"cannot connect to postgresql://{REMOVED}@db:5432/secapi",
        ),
        ("redis://:hunter2@redis:6379/0", f"redis://{REMOVED}@redis:6379/0"),
        ("key sk_live_0123456789abcdef was refused", f"key {REMOVED} was refused"),
        ("signed with whsec_tq7mKGqkpfxrs6JWWc+VWbYJm2b= by us", f"signed with {REMOVED} by us"),
        ("Authorization: Bearer eyJhbGciOi.abc.def", f"Authorization: Bearer {REMOVED}"),
        ('{"password": "hunter2", "user": "secapi"}', f'{{"password": "{REMOVED}", "user": "secapi"}}'),
        ("SECAPI_API_KEY_PEPPER=0123456789", f"SECAPI_API_KEY_PEPPER={REMOVED}"),
        ("https://shop.example/?token=abc&page=2", f"https://shop.example/?token={REMOVED}&page=2"),
        (f"the password is {PASSWORD}, they say", f"the password is {REMOVED}, they say"),
        ("a scan of https://shop.example/ failed", "a scan of https://shop.example/ failed"),
    ],
)
def test_secrets_are_recognised_in_text(text: str, scrubbed: str) -> None:
    assert Scrubber([PASSWORD]).scrub(text) == scrubbed


def test_everything_nested_is_scrubbed_and_the_rest_kept() -> None:
    event: dict[str, Any] = {"a": [{PASSWORD: (f"x{PASSWORD}y", 1, None, True)}], "level": "error"}
    assert Scrubber([PASSWORD]).scrub(event) == {"a": [{REMOVED: [f"x{REMOVED}y", 1, None, True]}], "level": "error"}


def test_a_secret_that_is_part_of_another_does_not_leave_the_rest_of_it() -> None:
    assert Scrubber(["secret", "secret-and-more"]).scrub("secret-and-more") == REMOVED


def test_short_values_are_not_hunted_for() -> None:
    assert Scrubber(["", "a", "root"]).scrub("a root cause") == "a root cause"


def test_the_secrets_of_a_component_are_those_of_its_settings_and_the_passwords_within() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://secapi:p%40ssword@db/secapi"})
    assert set(secret_values(settings)) == {"postgresql://secapi:p%40ssword@db/secapi", "p%40ssword", "p@ssword"}
