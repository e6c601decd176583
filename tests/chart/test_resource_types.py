"""The resource types of a release are those of ``manifests/crds``."""

import yaml

from rendering import VALUES, Rendering, render
from secapi_dev import paths
from secapi_dev.charttools.templating import Helm

KEEP = "helm.sh/resource-policy"


def test_they_are_the_generated_ones(external: Rendering) -> None:
    generated = [yaml.safe_load(path.read_text()) for path in sorted(paths.CRDS.glob("*.yaml"))]
    rendered = external.kind("CustomResourceDefinition")
    assert {found["metadata"]["name"]: found["spec"] for found in rendered} == {
        found["metadata"]["name"]: found["spec"] for found in generated
    }


def test_they_go_with_the_release_unless_they_are_to_be_kept(external: Rendering, production: Rendering) -> None:
    for found in external.kind("CustomResourceDefinition"):
        assert KEEP not in found["metadata"].get("annotations", {})
    for found in production.kind("CustomResourceDefinition"):
        assert found["metadata"]["annotations"][KEEP] == "keep"


async def test_they_can_be_left_to_others(helm: Helm) -> None:
    rendering = await render(helm, VALUES["external"], settings={"crds.install": False})
    assert rendering.kind("CustomResourceDefinition") == []


async def test_the_catalogue_can_be_left_to_others(helm: Helm) -> None:
    rendering = await render(helm, VALUES["external"], settings={"catalogue.install": False})
    assert [found for found in rendering.objects if "catalogue" in found["metadata"]["name"]] == []
    assert "catalogue" not in str(rendering.pod("operator"))
