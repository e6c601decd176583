"""The built-in scanners: each manifest is valid, safe to expand, and what it says of parameters holds."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from secapi_core.argv import Paths, build_argv, target_fields
from secapi_core.crds.scanner import Scanner
from secapi_core.crds.scanrequest import Target, TargetType
from secapi_core.parameters import complete_parameters
from secapi_core.templates import check_template
from secapi_workers.catalogue import CATALOGUE, RULES, built_in

PATHS = Paths(source="/run/source", output="/run/report", workdir="/run", rules="/rules")
TARGETS: dict[TargetType, dict[str, Any]] = {
    TargetType.URL: {"url": "https://shop.example/"},
    TargetType.HOST: {"host": {"address": "shop.example", "ports": "1-1024,8443"}},
    TargetType.REPOSITORY: {"repository": {"url": "https://git.example/shop.git"}},
    TargetType.ARTIFACT: {"artifact": {"digest": f"sha256:{'0' * 64}"}},
    TargetType.IMAGE: {"image": {"reference": "registry.example/shop:1"}},
}
SCANNERS = sorted(built_in(testing=True).items())
every_scanner = pytest.mark.parametrize(
    "scanner", [scanner for _, scanner in SCANNERS], ids=[name for name, _ in SCANNERS]
)


def argv(scanner: str, target: dict[str, Any], address: str = "192.0.2.7", **parameters: Any) -> list[str]:
    spec = built_in(testing=True)[scanner].spec
    complete = complete_parameters(scanner, spec.parameters_schema, parameters, "/scanners/0/parameters")
    return build_argv(spec, complete, target_fields(Target.model_validate(target), address), PATHS)


def test_the_catalogue_has_the_scanners_it_promises() -> None:
    assert sorted(built_in()) == ["bandit", "detect-secrets", "nmap", "semgrep", "ssh-audit", "sslyze"]


def test_scanners_for_tests_are_only_there_when_asked_for() -> None:
    assert set(built_in(testing=True)) - set(built_in()) == {"noop", "semgrep-sarif"}


def test_a_file_is_named_after_its_scanner() -> None:
    assert {path.stem for path in CATALOGUE.rglob("*.yaml")} == set(built_in(testing=True))


def test_the_rules_that_templates_name_are_there() -> None:
    assert list((RULES / "semgrep").glob("*.yaml"))


@every_scanner
def test_its_template_can_always_be_expanded(scanner: Scanner) -> None:
    check_template(scanner.spec)
    for target_type in scanner.spec.target_types:
        made = argv(scanner.metadata.name, TARGETS[target_type])
        assert made[0] == scanner.spec.command


@every_scanner
def test_its_parameters_schema_is_valid_and_each_parameter_is_described_and_bounded(scanner: Scanner) -> None:
    schema = scanner.spec.parameters_schema
    jsonschema_rs.validator_for(schema)
    for name, parameter in schema.get("properties", {}).items():
        assert parameter.get("description"), name
        assert _bounded(parameter), name


def _bounded(schema: dict[str, Any]) -> bool:
    """Whether no value can be arbitrarily long or large."""
    match schema["type"]:
        case "boolean":
            return True
        case "string":
            return bool(schema.keys() & {"enum", "maxLength", "pattern"})
        case "integer" | "number":
            return {"minimum", "maximum"} <= schema.keys()
        case "array":
            return "maxItems" in schema and _bounded(schema["items"])
        case _:
            return False


@every_scanner
def test_its_defaults_fit_its_own_schema(scanner: Scanner) -> None:
    complete_parameters(scanner.metadata.name, scanner.spec.parameters_schema, {}, "")


NETWORK = [name for name, scanner in SCANNERS if scanner.spec.pool == "network"]
TAKES_ARGUMENTS = [name for name, _ in SCANNERS if name != "noop"]


@pytest.mark.parametrize("name", NETWORK)
def test_a_network_scanner_is_given_the_pinned_address_and_never_a_name_to_resolve(name: str) -> None:
    for target_type in built_in()[name].spec.target_types:
        assert "192.0.2.7" in argv(name, TARGETS[target_type])[-1]


@pytest.mark.parametrize("name", TAKES_ARGUMENTS)
def test_options_end_before_what_is_scanned(name: str) -> None:
    for target_type in built_in(testing=True)[name].spec.target_types:
        assert argv(name, TARGETS[target_type])[-2] == "--"


def _all_fixed_text() -> Iterator[str]:
    for _, scanner in SCANNERS:
        for argument in scanner.spec.arguments:
            yield from argument.values


@pytest.mark.parametrize("option", ["--script", "-iL", "--datadir", "--targets_in", "--update_trust_stores", "--dheat"])
def test_dangerous_options_are_not_offered(option: str) -> None:
    assert not [text for text in _all_fixed_text() if option in text]


@pytest.mark.parametrize(
    ("scanner", "target", "parameters", "expected"),
    [
        ("nmap", {"host": {"address": "h.example"}}, {"topPorts": 10}, ["--top-ports", "10"]),
        ("nmap", {"host": {"address": "h.example", "ports": "22,80-90"}}, {}, ["-p", "22,80-90"]),
        ("nmap", {"url": "https://h.example:8443/"}, {}, ["-p", "8443"]),
        ("nmap", {"host": {"address": "h.example"}}, {}, ["-Pn", "-sV", "--version-intensity", "2"]),
        ("nmap", {"host": {"address": "h.example"}}, {"maxRate": 100}, ["--max-rate", "100"]),
        ("sslyze", {"url": "https://h.example:8443/x"}, {"port": 1}, ["--", "h.example:8443{192.0.2.7}"]),
        ("sslyze", {"host": {"address": "h.example", "ports": "993"}}, {}, ["--", "h.example:993{192.0.2.7}"]),
        (
            "sslyze",
            {"host": {"address": "h.example", "ports": "1-9"}},
            {"port": 636},
            ["--", "h.example:636{192.0.2.7}"],
        ),
        ("ssh-audit", {"host": {"address": "h.example"}}, {}, ["--port=22", "--", "192.0.2.7"]),
        ("ssh-audit", {"host": {"address": "h.example", "ports": "2222"}}, {}, ["--port=2222", "--", "192.0.2.7"]),
        ("bandit", TARGETS[TargetType.ARTIFACT], {"skips": ["B101", "B311"]}, ["--skip=B101,B311"]),
        ("semgrep", TARGETS[TargetType.ARTIFACT], {"exclude": ["a", "b c"]}, ["--exclude=a", "--exclude=b c"]),
        ("detect-secrets", TARGETS[TargetType.ARTIFACT], {"disablePlugins": ["X"]}, ["--disable-plugin=X", "--", "."]),
    ],
)
def test_parameters_and_targets_become_the_tools_own_options(
    scanner: str, target: dict[str, Any], parameters: dict[str, Any], expected: list[str]
) -> None:
    made = argv(scanner, target, **parameters)

    assert any(made[start : start + len(expected)] == expected for start in range(len(made)))


def test_an_ipv6_address_is_announced_to_nmap_and_bracketed_for_sslyze() -> None:
    target = {"host": {"address": "2001:db8::1", "ports": "443"}}

    assert argv("nmap", target, "2001:db8::1")[-3:] == ["-6", "--", "2001:db8::1"]
    assert argv("sslyze", target, "2001:db8::1")[-1] == "[2001:db8::1]:443{2001:db8::1}"
