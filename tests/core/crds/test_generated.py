"""The generated CRDs: what is on disk is what the types say, every field is explained and bounded."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from manifests import KINDS
from secapi_core.crds.base import GROUP, VERSION, Model
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_dev import paths
from secapi_dev.commands import crds
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.crdgen.manifest import HEADER, custom_resource_definition, manifests
from secapi_dev.errors import StackError
from waiting import until

Schema = dict[str, Any]
SCHEMAS: dict[str, Schema] = {
    name: custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name, kind in KINDS.items()
}


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every node of a schema with its path, the root first."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


NODES = [node for kind, schema in SCHEMAS.items() for node in nodes(schema, kind)]
OURS = [(path, node) for path, node in NODES if ".spec" in path or ".status" in path]


def test_the_files_are_what_the_types_say(capsys: pytest.CaptureFixture[str]) -> None:
    crds.command(check=True)
    assert "manifests/crds: 4 files, 0 of them changed" in capsys.readouterr().err


def test_generating_twice_gives_the_same_bytes() -> None:
    assert manifests() == manifests()


def test_a_file_that_was_edited_or_left_behind_is_drift(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "CRDS", tmp_path)
    crds.command()
    (tmp_path / "secapi.dev_scanners.yaml").write_text("edited")
    (tmp_path / "secapi.dev_gone.yaml").write_text("left behind")
    with pytest.raises(StackError, match=r"secapi\.dev_gone\.yaml, secapi\.dev_scanners\.yaml.*run make crds"):
        crds.command(check=True)
    crds.command()
    crds.command(check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(manifests())


def test_the_files_say_that_they_are_generated() -> None:
    assert all(content.startswith(HEADER) for content in manifests().values())


@pytest.mark.parametrize(("path", "node"), OURS, ids=[path for path, _ in OURS])
def test_every_field_is_described(path: str, node: Schema) -> None:
    if path.endswith(("[]", "{}")) and node["type"] != "object":
        return  # the list or map says what its items are
    assert len(node.get("description", "")) > 10


@pytest.mark.parametrize(("path", "node"), OURS, ids=[path for path, _ in OURS])
def test_every_field_is_bounded(path: str, node: Schema) -> None:
    match node["type"]:
        case "string":
            assert "maxLength" in node or "enum" in node or node.get("format") == "date-time"
        case "array":
            assert "maxItems" in node
        case "integer":
            assert "minimum" in node
        case "object":
            assert "properties" in node or "maxProperties" in node


def test_descriptions_are_prose_not_markup() -> None:
    assert not [path for path, node in NODES if "``" in node.get("description", "")]


@pytest.fixture
async def published(kubectl: Kubectl) -> dict[str, Schema]:
    """What the apiserver publishes about our types, which it does some time after it serves them."""

    async def schemas() -> dict[str, Schema] | None:
        try:
            document = json.loads(await kubectl("get", "--raw", f"/openapi/v3/apis/{GROUP}/{VERSION}"))
        except StackError:
            return None
        found = document["components"]["schemas"]
        ours = {kind: found.get(f"dev.secapi.{VERSION}.{kind}") for kind in KINDS}
        return ours if all(ours.values()) else None

    return await until(schemas, within=60.0, every=0.2)


async def test_kubectl_explains_every_field(published: dict[str, Schema]) -> None:
    for kind in KINDS:
        explained = published[kind]
        silent = [
            path
            for part in explained["properties"].keys() & {"spec", "status"}
            for path, node in nodes(explained["properties"][part], part)
            if not path.endswith(("[]", "{}")) and not node.get("description")
        ]
        assert silent == []


@pytest.mark.usefixtures("published")
async def test_explain_shows_the_text_a_person_needs(kubectl: Kubectl) -> None:
    text = await kubectl("explain", "sr.spec.timeoutSeconds")
    assert "Longest run of one job (one scanner on one target) in seconds" in " ".join(text.split())


async def test_resources_are_found_by_short_name_and_category(kubectl: Kubectl, namespace: str) -> None:
    listing = await kubectl("api-resources", f"--api-group={GROUP}", "-o", "wide")
    for kind, short in {"ScanRequest": "sr", "ScanSchedule": "ssch", "ScanPolicy": "spol", "Scanner": "scnr"}.items():
        [line] = [line for line in listing.splitlines() if f" {kind} " in f"{line} "]
        assert line.split()[1] == short
        assert line.split()[-1] == "secapi"


async def test_the_table_and_the_field_selector_show_the_phase(kubectl: Kubectl, namespace: str) -> None:
    document = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "ScanRequest",
        "metadata": {"name": "shown"},
        "spec": {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "nmap"}]},
    }
    await kubectl("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(document))
    patch = {"status": {"phase": "Running", "jobs": {"total": 4}, "findings": {"critical": 1, "high": 2}}}
    await kubectl(
        *("patch", "-n", namespace, "sr", "shown", "--subresource=status", "--type=merge"),
        f"--patch={json.dumps(patch)}",
    )
    header, row = (await kubectl("get", "sr", "-n", namespace)).splitlines()
    assert header.split() == ["NAME", "PHASE", "JOBS", "CRITICAL", "HIGH", "AGE"]
    assert row.split()[:5] == ["shown", "Running", "4", "1", "2"]
    running = await kubectl("get", "sr", "-n", namespace, "--field-selector=status.phase=Running", "-o", "name")
    done = await kubectl("get", "sr", "-n", namespace, "--field-selector=status.phase=Succeeded", "-o", "name")
    assert (running.strip(), done.strip()) == (f"scanrequest.{GROUP}/shown", "")


def test_the_schema_that_rest_shows_has_no_kubernetes_extensions() -> None:
    assert "x-kubernetes" not in json.dumps(ScanRequestSpec.model_json_schema())


def test_models_are_strict_about_names_on_the_wire() -> None:
    class Example(Model):
        two_words: int = 1

    assert Example.from_wire({"twoWords": 2}) == Example(two_words=2)
