"""``secapi-dev crds``."""

from pathlib import Path

from secapi_dev import paths
from secapi_dev.crdgen.manifest import manifests
from secapi_dev.errors import StackError
from secapi_dev.generated import Check
from secapi_dev.progress import Progress


def command(check: Check = False) -> None:
    """Write the CRDs from the types in core/secapi_core/crds; the chart has a copy of them and of the catalogue."""
    crds = manifests()
    catalogue = {path.name: path.read_text() for path in paths.CATALOGUE.glob("*.yaml")}
    for folder, wanted in {
        paths.CRDS: crds,
        paths.CHART / "files" / "crds": crds,
        paths.CHART / "files" / "catalogue": catalogue,
    }.items():
        _keep(folder, wanted, check=check)


def _keep(folder: Path, wanted: dict[str, str], *, check: bool) -> None:
    """Make the YAML files of ``folder`` those that are ``wanted``; with ``check`` raise ``StackError`` instead."""
    name = folder.relative_to(paths.CHECKOUT) if folder.is_relative_to(paths.CHECKOUT) else folder
    present = {path.name: path.read_text() for path in folder.glob("*.yaml")}
    stale = sorted(file for file in wanted.keys() | present.keys() if wanted.get(file) != present.get(file))
    if check and stale:
        raise StackError(f"{name} is not what its sources say ({', '.join(stale)}); run make crds")
    for file in stale:
        _replace(folder / file, wanted.get(file))
    Progress().say(f"{name}: {len(wanted)} files, {len(stale)} of them changed")


def _replace(path: Path, content: str | None) -> None:
    """Write the file, or remove it where nothing is wanted any more."""
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
