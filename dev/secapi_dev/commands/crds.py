"""``secapi-dev crds``."""

from secapi_dev import paths
from secapi_dev.crdgen.manifest import manifests
from secapi_dev.errors import StackError
from secapi_dev.generated import Check
from secapi_dev.progress import Progress


def command(check: Check = False) -> None:
    """Write manifests/crds from the types in core/secapi_core/crds."""
    wanted = manifests()
    present = {path.name: path.read_text() for path in paths.CRDS.glob("*.yaml")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if check and stale:
        raise StackError(f"manifests/crds is not what the types say ({', '.join(stale)}); run make crds")
    for name in stale:
        _replace(name, wanted.get(name))
    Progress().say(f"manifests/crds: {len(wanted)} kinds, {len(stale)} files changed")


def _replace(name: str, content: str | None) -> None:
    """Write the file, or remove it where no kind has it any more."""
    path = paths.CRDS / name
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
