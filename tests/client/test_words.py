"""Targets and scanners as they are written on the command line."""

from pathlib import Path
from typing import Any

import pytest

from secapi_client.command_line.outcomes import CommandFailed, field_name
from secapi_client.command_line.requests import Request, read_request
from secapi_client.command_line.words import Upload, parse_scanner, parse_target

DIGEST = "sha256:" + "9f" * 32
SPEC = "targets: [{url: 'https://shop.example/'}]\nscanners: [{name: sslyze}]\n"
PARSED: Any = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "sslyze"}]}


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("https://shop.example/", {"url": "https://shop.example/"}),
        ("url=http://127.0.0.1:80", {"url": "http://127.0.0.1:80"}),
        ("shop.example", {"host": {"address": "shop.example"}}),
        ("shop.example:22,8000-8443", {"host": {"address": "shop.example", "ports": "22,8000-8443"}}),
        ("[2001:db8::7]:443", {"host": {"address": "2001:db8::7", "ports": "443"}}),
        ("host=192.0.2.7", {"host": {"address": "192.0.2.7"}}),
        ("repository=https://git.example/shop.git", {"repository": {"url": "https://git.example/shop.git"}}),
        (
            "repository=https://git.example/shop.git#main:src",
            {"repository": {"url": "https://git.example/shop.git", "ref": "main", "path": "src"}},
        ),
        (DIGEST, {"artifact": {"digest": DIGEST}}),
        ("image=registry.example/shop:1.2", {"image": {"reference": "registry.example/shop:1.2"}}),
    ],
)
def test_a_target_is_what_it_looks_like(word: str, target: dict[str, Any]) -> None:
    assert parse_target(word) == target


def test_a_path_is_uploaded(tmp_path: Path) -> None:
    assert parse_target(str(tmp_path)) == Upload(tmp_path)
    assert parse_target(f"artifact={tmp_path}") == Upload(tmp_path)


@pytest.mark.parametrize("word", ["./no/such/path", "2001:db8::7", "shop.example:https", ""])
def test_what_can_be_nothing_is_refused_with_the_word(word: str) -> None:
    with pytest.raises(CommandFailed, match=f"--target {word}"):
        parse_target(word)


@pytest.mark.parametrize(
    ("word", "parameters"),
    [
        ("nmap:topPorts=100", {"topPorts": 100}),
        ("nmap:ports=22,443,fast=true", {"ports": "22,443", "fast": True}),
        ('nmap:ports="22"', {"ports": "22"}),
        ("nmap:label=a=b", {"label": "a=b"}),
    ],
)
def test_parameters_of_a_scanner_are_json_or_text(word: str, parameters: dict[str, Any]) -> None:
    assert parse_scanner(word) == {"name": "nmap", "parameters": parameters}


def test_a_scanner_without_parameters_has_none() -> None:
    assert parse_scanner("bandit") == {"name": "bandit"}


def test_a_parameter_without_a_value_is_refused() -> None:
    with pytest.raises(CommandFailed, match="nmap:parameter=value"):
        parse_scanner("nmap:fast")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (SPEC, Request(PARSED)),
        (f"namespace: team-a\nname: web\nspec: {PARSED}", Request(PARSED, "team-a", "web")),
        (f"kind: ScanRequest\nmetadata: {{name: web}}\nspec: {PARSED}", Request(PARSED, None, "web")),
    ],
    ids=["a spec", "a body", "a manifest"],
)
def test_a_file_says_it_in_three_ways(tmp_path: Path, text: str, request_: Request) -> None:
    file = tmp_path / "scan.yaml"
    file.write_text(text)
    assert read_request(file) == request_


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind: ScanPolicy\nspec: {}", "is a ScanPolicy"),
        ("- 1", "one object"),
        (f"{SPEC}---\n{SPEC}", "one object"),
        ("targets: {", "is not YAML"),
        ("scanners: []", "spec.targets must be a list"),
        ("targets: 7", "spec.targets must be a list"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "scan.yaml"
    file.write_text(text)
    with pytest.raises(CommandFailed, match=why):
        read_request(file)


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("/spec/targets/0/url", "spec.targets[0].url"),
        ("/spec/scanners/1/parameters/a~1b", "spec.scanners[1].parameters.a/b"),
        ("/query/cursor", "query.cursor"),
        ("", ""),
    ],
)
def test_fields_are_named_as_people_write_them(pointer: str, name: str) -> None:
    assert field_name(pointer) == name
