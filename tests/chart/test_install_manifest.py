"""``manifests/install.yaml`` is the chart, for kubectl and kustomize."""

import pytest

from rendering import Object, objects_of
from secapi_dev import paths
from secapi_dev.chart.manifests import NAMESPACE, install_manifest
from secapi_dev.charttools.templating import Helm
from secapi_dev.controlplane.kubectl import Kubectl

Identity = tuple[str, str | None, str]


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    return objects_of((paths.MANIFESTS / "install.yaml").read_text())


def identity(found: Object) -> Identity:
    return found["kind"], found["metadata"].get("namespace"), found["metadata"]["name"]


async def test_it_is_what_the_chart_renders(helm: Helm) -> None:
    assert (paths.MANIFESTS / "install.yaml").read_text() == await install_manifest(helm), "run make manifests"


async def test_kustomize_builds_it(kubectl: Kubectl, objects: list[Object]) -> None:
    built = objects_of(await kubectl("kustomize", paths.MANIFESTS))
    assert sorted(map(str, map(identity, built))) == sorted(map(str, map(identity, objects)))


def test_the_namespace_comes_first_and_holds_everything_that_has_one(objects: list[Object]) -> None:
    assert identity(objects[0]) == ("Namespace", None, NAMESPACE)
    assert {found["metadata"].get("namespace", NAMESPACE) for found in objects} == {NAMESPACE}


def test_it_needs_no_helm_to_work(objects: list[Object]) -> None:
    assert not [identity(found) for found in objects if "helm.sh/hook" in found["metadata"].get("annotations", {})]


def test_it_holds_no_secret(objects: list[Object]) -> None:
    assert not [found for found in objects if found["kind"] == "Secret"]


def test_every_secret_that_it_names_is_explained(objects: list[Object]) -> None:
    explained = (paths.MANIFESTS / "install-values.yaml").read_text()
    named = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for found in objects
        if found["kind"] == "Deployment"
        for container in found["spec"]["template"]["spec"]["containers"]
        for variable in container["env"]
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert named == {"secapi-database", "secapi-redis", "secapi-api-keys", "secapi-webhooks"}
    assert all(f"#   {name} " in explained for name in named)
