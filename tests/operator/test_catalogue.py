"""The leader keeps the built-in catalogue in the cluster."""

from pathlib import Path

from lab import Lab
from secapi_dev import paths
from waiting import until

EDITED = """
apiVersion: secapi.dev/v1alpha1
kind: Scanner
metadata: {name: kept}
spec:
  title: A scanner of the catalogue
  targetTypes: [url]
  pool: network
  command: kept
  output: {format: sarif, source: stdout}
"""


async def test_the_catalogue_is_applied_by_the_leader_and_what_was_changed_comes_back(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "kept.yaml").write_text(EDITED)
    await lab.kubectl("apply", "-f", "-", stdin=EDITED.replace("pool: network", "pool: elsewhere"))

    await lab.start_operator(catalogue_dir=tmp_path).leading()

    async def pool() -> bool:
        return await lab.kubectl("get", "scanner", "kept", "-o", "jsonpath={.spec.pool}") == "network"

    await until(pool)


async def test_the_built_in_catalogue_is_what_can_be_applied(lab: Lab) -> None:
    operator = await lab.start_operator(catalogue_dir=paths.CATALOGUE).leading()
    (applied,) = await until(lambda: operator.said("catalogue applied"), within=30)
    assert applied["scanners"] == sorted(path.stem for path in paths.CATALOGUE.glob("*.yaml"))
