"""The software bill of materials of an image: every Python distribution and every Debian package in it.

CycloneDX 1.6, written while the image is built. The build has nothing installed but this wheel without its dependencies
and what ``requirements/build.lock`` pins.
"""

import argparse
import platform
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, distributions, version
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

# Longer ones are whole licence texts, which belong into no name.
LICENSE_LENGTH = 100

_DPKG_FIELDS = r"${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\n"


def main(argv: Sequence[str] | None = None) -> None:
    """``python -m secapi_dev.images.sbom NAME --environments DIR… --dpkg DIR --output FILE``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="the image's component, such as api")
    parser.add_argument("--environments", type=Path, nargs="+", required=True, help="roots of virtual environments")
    parser.add_argument("--dpkg", type=Path, required=True, help="dpkg's database, /var/lib/dpkg of the image")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args(argv)
    components = [*python_components(arguments.environments), *debian_components(arguments.dpkg)]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(document(arguments.name, version("secapi"), components))


def document(name: str, image_version: str, components: Iterable[Component]) -> str:
    """The bill as JSON; ``components`` may name one twice, as two scanners' environments do."""
    subject = Component(type=ComponentType.CONTAINER, name=f"secapi/{name}", version=image_version, bom_ref="image")
    unique = {component.bom_ref.value: component for component in components}
    bom = Bom(metadata=BomMetaData(component=subject), components=unique.values())
    bom.register_dependency(subject, unique.values())
    return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1))


def python_components(environments: Iterable[Path]) -> Iterator[Component]:
    """One for each distribution that is installed in a virtual environment."""
    for environment in environments:
        paths = [str(path) for path in environment.glob("lib/python3*/site-packages")]
        for distribution in distributions(path=paths):
            yield _component(
                PackageURL("pypi", name=distribution.name.lower().replace("_", "-"), version=distribution.version),
                distribution.name,
                licenses=_licenses(distribution),
            )


def debian_components(dpkg: Path) -> Iterator[Component]:
    """One for each package that is installed according to dpkg's database.

    Debian's advisories are about source packages; ``upstream`` names them, as vulnerability scanners expect.
    """
    argv = ["dpkg-query", f"--admindir={dpkg}", "--show", f"--showformat={_DPKG_FIELDS}"]
    listing = subprocess.run(argv, capture_output=True, check=True, text=True).stdout  # noqa: S603 - as above
    distro = f"debian-{platform.freedesktop_os_release()['VERSION_ID']}"
    for line in listing.splitlines():
        status, name, package_version, architecture, source = line.split("\t")
        if status.startswith("ii"):
            qualifiers = {"arch": architecture, "distro": distro, "upstream": source}
            yield _component(PackageURL("deb", "debian", name, package_version, qualifiers), name)


def _component(purl: PackageURL, name: str, licenses: Iterable[License] = ()) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=purl.version,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=licenses,
    )


def _licenses(distribution: Distribution) -> list[License]:
    """What the distribution says of itself, if it says it in a name or an SPDX expression."""
    fields = distribution.metadata
    (stated, *_) = fields.get_all("License-Expression") or fields.get_all("License") or [""]
    return [LicenseFactory().make_from_string(stated)] if 0 < len(stated) <= LICENSE_LENGTH else []


if __name__ == "__main__":
    main()
