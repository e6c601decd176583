"""A release on a cluster does what people install it for."""

import io
import json
import tarfile

import pytest

from release import NAME, Release
from rendering import Object, manifest
from running_stack import TERMINAL
from target_host import NAME as TARGET
from target_host import PORT, target_host
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

# To be scanned, never run: each line is a mistake that one of the scanners must find.
SOURCE = b"""
import hashlib, subprocess
PASSWORD = "correct-horse-battery-staple-Zx81!"
def run(text):
    subprocess.call(text, shell=True)
    return hashlib.md5(text.encode()).hexdigest()
"""

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
    print("reached")
except OSError:
    print("cut off")
"""


def archive() -> bytes:
    """A source tree with a few mistakes, packed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("app/main.py")
        entry.size = len(SOURCE)
        tar.addfile(entry, io.BytesIO(SOURCE))
    return packed.getvalue()


@pytest.fixture(scope="module")
async def target(release: Release) -> str:
    """The address of a host that is worth scanning; it runs the API's image, which has Python."""
    [api] = await release.pods("api")
    [container] = api["spec"]["containers"]
    host = manifest(*target_host(container["image"], container["imagePullPolicy"]))
    await release.kubectl("apply", "--namespace", release.namespace, "-f", "-", stdin=host)
    pod = f"pod/{TARGET}"
    await release.kubectl("wait", "--for=condition=Ready", "--namespace", release.namespace, pod, "--timeout=60s")
    [service] = await release.get("service", TARGET)
    return str(service["spec"]["clusterIP"])


async def test_helm_test_passes(release: Release) -> None:
    assert "Phase:          Succeeded" in await release.test()


async def test_a_person_scans_a_host_with_kubectl(release: Release, target: str, api_key: str) -> None:
    request = {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "ScanRequest",
        "metadata": {"name": "host", "namespace": release.namespace},
        "spec": {
            "targets": [{"url": f"https://{target}:{PORT}/"}],
            "scanners": [{"name": "sslyze"}, {"name": "nmap"}],
        },
    }
    await release.kubectl("apply", "-f", "-", stdin=json.dumps(request))

    async def ended() -> Object | None:
        [found] = await release.get("scanrequest", "host")
        return found if found.get("status", {}).get("phase") in TERMINAL else None

    scan = await until(ended, within=180, every=1)
    assert (scan["status"]["phase"], scan["status"]["jobs"]["succeeded"]) == ("Succeeded", 2), scan["status"]
    assert sum(scan["status"]["findings"].values()) > 0
    async with release.api(api_key) as api:
        answer = await api.get(f"/v1/scans/{scan['metadata']['uid']}/findings", params={"limit": 200})
    assert {item["scanner"] for item in answer.json()["items"]} == {"sslyze", "nmap"}


async def test_a_program_scans_source_code_over_rest(release: Release, api_key: str) -> None:
    async with release.api(api_key) as api:
        upload = await api.post("/v1/artifacts", params={"namespace": release.namespace}, content=archive())
        assert upload.status_code in {200, 201}, upload.text
        spec = {
            "targets": [{"artifact": {"digest": upload.json()["digest"], "name": "app"}}],
            "scanners": [{"name": name} for name in ("bandit", "semgrep", "detect-secrets")],
        }
        answer = await api.post("/v1/scans", json={"namespace": release.namespace, "spec": spec})
        assert answer.status_code == 202, answer.text
        scan = answer.json()["id"]

        async def ended() -> Object | None:
            found: Object = (await api.get(f"/v1/scans/{scan}")).json()
            return found if found["phase"] in TERMINAL else None

        done = await until(ended, within=300, every=1)
        assert done["phase"] == "Succeeded", done
        findings = (await api.get(f"/v1/scans/{scan}/findings", params={"limit": 200})).json()["items"]
    assert {item["scanner"] for item in findings} == {"bandit", "semgrep", "detect-secrets"}


@pytest.mark.parametrize(
    ("pool", "reached"), [("network", True), ("code", False), ("warm", False)], ids=["cluster", "internet", "none"]
)
async def test_scanners_reach_what_the_egress_of_their_pool_allows(
    release: Release, target: str, pool: str, reached: bool
) -> None:
    [worker] = await release.pods("worker", pool)
    said = await release.execute(f"pod/{worker['metadata']['name']}", "python3", "-c", CONNECT, target, str(PORT))
    assert said.strip() == ("reached" if reached else "cut off")


async def test_pods_of_workers_have_no_identity(release: Release) -> None:
    for pod in await release.pods("worker"):
        assert pod["spec"]["automountServiceAccountToken"] is False
        name = pod["metadata"]["name"]
        found = await release.execute(f"pod/{name}", "sh", "-c", "ls -d /var/run/secrets/kubernetes.io || true")
        assert "serviceaccount" not in found


async def test_no_secret_is_in_a_log_or_in_what_pods_are_made_of(release: Release, api_key: str) -> None:
    embedded = await release.secret(f"{NAME}-embedded")
    secrets = {embedded[key] for key in ("databasePassword", "redisPassword", "scalerPassword", "pepper")} | {api_key}
    for pod in await release.get("pods"):
        logged, made_of = await release.logs(pod), json.dumps(pod)
        assert not [secret for secret in secrets if secret in logged or secret in made_of], pod["metadata"]["name"]
