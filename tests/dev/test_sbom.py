"""The bill of materials of an image, made of this machine's packages."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from secapi_dev.images import sbom

DPKG = Path("/var/lib/dpkg")


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("dpkg-query") is None:
        pytest.skip("dpkg-query is not installed")
    output = tmp_path_factory.mktemp("sbom") / "share" / "secapi.cdx.json"
    # Named twice, as two scanners' environments have packages in common.
    sbom.main(["api", "--environments", sys.prefix, sys.prefix, "--dpkg", str(DPKG), "--output", str(output)])
    return output.read_text()


def component(bill: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in json.loads(bill)["components"] if each["name"] == name]
    return dict(found)


def test_it_is_valid_cyclonedx(bill: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert json.loads(bill)["specVersion"] == "1.6"


def test_it_says_of_which_image_it_is(bill: str) -> None:
    subject = json.loads(bill)["metadata"]["component"]
    assert (subject["type"], subject["name"]) == ("container", "secapi/api")


def test_a_python_distribution_is_in_it_once_with_its_licence(bill: str) -> None:
    found = component(bill, "structlog")
    assert found["purl"] == f"pkg:pypi/structlog@{found['version']}"
    assert found["licenses"] == [{"expression": "MIT OR Apache-2.0"}]


def test_a_debian_package_is_in_it_with_its_source(bill: str) -> None:
    assert component(bill, "libssl3")["purl"].startswith("pkg:deb/debian/libssl3@")
    assert "distro=debian-" in component(bill, "libssl3")["purl"]
    assert component(bill, "libssl3")["purl"].endswith("upstream=openssl")
