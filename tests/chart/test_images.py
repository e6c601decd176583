"""Which image each container runs, for every way to say it."""

import pytest

from rendering import VALUES, render
from secapi_dev.charttools.templating import Helm

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"


CODE = "workers.pools.code"

IMAGES = [
    ("api", {}, "secapi/api:0.1.0"),
    ("operator", {}, "secapi/operator:0.1.0"),
    ("migrations", {}, "secapi/migrations:0.1.0"),
    ("worker-code", {}, "secapi/worker-code:0.1.0"),
    # One block for all, and each component's over it.
    ("api", {"image.registry": "registry.example:5000"}, "registry.example:5000/secapi/api:0.1.0"),
    ("api", {"image.repository": "a/b", "image.tag": "dev"}, "a/b/api:dev"),
    ("api", {"image.registry": "one.example", "api.image.registry": "two.example"}, "two.example/secapi/api:0.1.0"),
    ("api", {"image.tag": "dev", "api.image.tag": "fix"}, "secapi/api:fix"),
    ("operator", {"image.tag": "dev", "api.image.tag": "fix"}, "secapi/operator:dev"),
    ("migrations", {"migrations.image.repository": "own"}, "own/migrations:0.1.0"),
    # A parent chart's over all.
    ("api", {"global.imageRegistry": "a.example", "api.image.registry": "b.example"}, "a.example/secapi/api:0.1.0"),
    # A digest wins over the tag beside it, but not over one that is nearer to the component.
    ("api", {"image.tag": "dev", "image.digest": DIGEST}, f"secapi/api@{DIGEST}"),
    ("api", {"api.image.tag": "fix", "api.image.digest": DIGEST}, f"secapi/api@{DIGEST}"),
    ("api", {"image.digest": DIGEST, "api.image.tag": "fix"}, "secapi/api:fix"),
    # Pools.
    ("worker-code", {f"{CODE}.variant": "network"}, "secapi/worker-network:0.1.0"),
    ("worker-code", {f"{CODE}.variant": "all"}, "secapi/worker:0.1.0"),
    ("worker-code", {"workers.image.tag": "dev", f"{CODE}.image.tag": "fix"}, "secapi/worker-code:fix"),
    ("worker-network", {"workers.image.tag": "dev", f"{CODE}.image.tag": "fix"}, "secapi/worker-network:dev"),
    ("worker-code", {"workers.image.digest": OTHER, f"{CODE}.image.digest": DIGEST}, f"secapi/worker-code@{DIGEST}"),
]


@pytest.mark.parametrize(("container", "settings", "image"), IMAGES)
async def test_an_image_is(container: str, settings: dict[str, str], image: str, helm: Helm) -> None:
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert rendering.container(container)["image"] == image


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ({}, "IfNotPresent"),
        ({"image.pullPolicy": "Never"}, "Never"),
        ({"image.pullPolicy": "Never", "api.image.pullPolicy": "Always"}, "Always"),
    ],
)
async def test_a_pull_policy_is(settings: dict[str, str], policy: str, helm: Helm) -> None:
    rendering = await render(helm, VALUES["external"], settings=settings)
    assert rendering.container("api")["imagePullPolicy"] == policy


async def test_the_embedded_servers_follow_the_mirror(helm: Helm) -> None:
    settings = {"global.imageRegistry": "mirror.example", "image.pullPolicy": "Never"}
    rendering = await render(helm, VALUES["embedded"], settings=settings)
    assert rendering.container("postgresql")["image"] == "mirror.example/postgres:16"
    assert rendering.container("redis")["image"] == "mirror.example/redis:7"
    assert rendering.container("redis")["imagePullPolicy"] == "Never"
