"""``secapi-api-key``: the first key of an installation, and one sentence for whoever mistypes."""

import asyncio
import os
import re
import sys
from dataclasses import dataclass

import pytest

from api_harness import Api
from secapi_api.api_keys.command import main
from secapi_api.settings import ApiSettings

PROGRAM = (sys.executable, "-c", "from secapi_api.api_keys.command import main; main()")
SHOWN = r"sk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\n"


@dataclass(frozen=True)
class Run:
    code: int | None
    stdout: str
    stderr: str


async def run(settings: ApiSettings, *arguments: str, **environment: str) -> Run:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        env={
            **os.environ,
            "SECAPI_DATABASE_URL": settings.database_url.get_secret_value(),
            "SECAPI_REDIS_URL": settings.redis_url.get_secret_value(),
            "SECAPI_API_KEY_PEPPER": settings.api_key_pepper.get_secret_value(),
            "SECAPI_ARTIFACT_URL": settings.artifact_url,
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    return Run(process.returncode, stdout.decode(), stderr.decode())


async def status(api: Api, secret: str, path: str) -> int:
    """What the API answers to a caller with this secret."""
    client = api.anonymous()
    client.headers["Authorization"] = f"Bearer {secret.strip()}"
    return (await client.get(path)).status_code


async def test_a_platform_key_opens_every_namespace(api: Api, settings: ApiSettings) -> None:
    made = await run(settings, "--name", "first", "--platform", "--role", "admin", "--expires-days", "30")

    assert (made.code, made.stderr) == (0, "")
    assert re.fullmatch(SHOWN, made.stdout)
    assert await status(api, made.stdout, "/v1/scans") == 200
    assert await status(api, made.stdout, "/v1/scans?namespace=anywhere") == 200


async def test_a_namespaced_key_opens_its_namespace_only(api: Api, settings: ApiSettings, tenant: str) -> None:
    made = await run(settings, "--name", "ci", "--namespace", tenant, "--role", "viewer")

    assert await status(api, made.stdout, f"/v1/scans?namespace={tenant}") == 200
    assert await status(api, made.stdout, "/v1/scans?namespace=another") == 403


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SECAPI_API_KEY_PEPPER": "short"}, "SECAPI_API_KEY_PEPPER: "),
        (
            {"SECAPI_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"},
            "secapi-api-key: SECAPI_DATABASE_URL: the database cannot be reached; try again",
        ),
    ],
)
async def test_an_environment_that_cannot_work_is_told_in_one_sentence(
    settings: ApiSettings, environment: dict[str, str], sentence: str
) -> None:
    made = await run(settings, "--name", "first", "--platform", "--role", "admin", **environment)

    assert (made.code, made.stdout) == (1, "")
    assert made.stderr.startswith(sentence)
    assert made.stderr.count("\n") == 1


async def test_a_database_without_tables_is_told_in_one_sentence(
    settings: ApiSettings, empty_database_url: str
) -> None:
    made = await run(
        settings, "--name", "first", "--platform", "--role", "admin", SECAPI_DATABASE_URL=empty_database_url
    )

    assert (made.code, made.stdout) == (1, "")
    assert made.stderr.endswith("run secapi-migrate\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--platform --role admin", "the following arguments are required: --name"),
        ("--name x --role admin", "one of the arguments --namespace --platform is required"),
        (
            "--name x --platform --namespace y --role admin",
            "argument --namespace: not allowed with argument",
        ),
        ("--name x --platform", "the following arguments are required: --role"),
        ("--name x --platform --role root", "argument --role: invalid choice: 'root'"),
        ("--name x --namespace Team --role admin", "argument --namespace: must be the name of a Kubernetes namespace"),
        (
            "--name x --platform --role admin --expires-days 0",
            "argument --expires-days: must be a number of days",
        ),
        ("--name \x07 --platform --role admin", "argument --name: must be 1 to 100 printable characters"),
    ],
)
def test_bad_arguments_are_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: str, sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments.split(" "))

    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith(f"secapi-api-key: {sentence}")
    assert told.count("\n") == 1
