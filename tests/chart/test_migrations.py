"""The schema is there before the code that needs it: by a hook, or by init containers where hooks come too early."""

import pytest

from rendering import VALUES, Rendering, render
from secapi_dev.charttools.templating import Helm

HOOKED = ("ServiceAccount", "NetworkPolicy")


def test_with_a_database_of_its_own_a_hook_migrates_before_each_upgrade(external: Rendering) -> None:
    annotations = external.one("Job", "migrations")["metadata"]["annotations"]
    assert annotations == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-weight": "0",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
        "helm.sh/hook-output-log-policy": "hook-failed",
    }
    assert not [pod for pod in external.pods() if "initContainers" in pod["spec"]]


@pytest.mark.parametrize("kind", HOOKED)
def test_what_the_job_needs_is_there_before_it_and_gone_after_it(kind: str, external: Rendering) -> None:
    annotations = external.one(kind, "migrations")["metadata"]["annotations"]
    assert int(annotations["helm.sh/hook-weight"]) < 0
    assert "hook-succeeded" in annotations["helm.sh/hook-delete-policy"]


def test_the_job_ends_before_helm_stops_waiting(external: Rendering) -> None:
    job = external.one("Job", "migrations")["spec"]
    wait = int(next(v["value"] for v in external.container("migrations")["env"] if v["name"] == "SECAPI_MIGRATE_WAIT"))
    assert wait * (job["backoffLimit"] + 1) < job["activeDeadlineSeconds"] < 300


@pytest.mark.parametrize("values", ["embedded", "hpa"])
def test_without_a_hook_the_api_and_the_operator_migrate_first(values: str, renderings: dict[str, Rendering]) -> None:
    rendering = renderings[values]
    assert rendering.kind("Job") == []
    assert not [found for found in rendering.kind(*HOOKED) if found["metadata"]["name"].endswith("-migrations")]
    for name in ("api", "operator"):
        [container] = rendering.pod(name)["spec"]["initContainers"]
        assert container["name"] == "migrate"
        assert container["image"] == "secapi/migrations:0.1.0"
    assert "initContainers" not in rendering.pod("worker-code")["spec"]


def test_no_hook_is_left_behind_when_it_succeeded(renderings: dict[str, Rendering]) -> None:
    for rendering in renderings.values():
        for found in rendering.objects:
            annotations = found["metadata"].get("annotations", {})
            if "helm.sh/hook" in annotations:
                assert "hook-succeeded" in annotations["helm.sh/hook-delete-policy"]


async def test_a_service_account_of_ones_own_is_not_made(helm: Helm) -> None:
    settings = {"migrations.serviceAccount.create": False, "migrations.serviceAccount.name": "migrator"}
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert rendering.pod("migrations")["spec"]["serviceAccountName"] == "migrator"
    assert not [found for found in rendering.kind("ServiceAccount") if "migrat" in found["metadata"]["name"]]
