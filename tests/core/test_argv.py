"""Building argv: what becomes an argument, what never may, and which templates are refused beforehand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.argv import ITEMS_LIMIT, VALUE_LIMIT, Paths, build_argv, target_fields
from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanrequest import Target
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.templates import TemplateError, check_template, fill

PATHS = Paths(source="/run/source", output="/run/report", workdir="/run", rules="/rules")
HOST = {"host": "shop.example", "pinnedAddress": "192.0.2.7"}


def spec(*arguments: dict[str, Any] | str, **fields: Any) -> ScannerSpec:
    """A Scanner that takes hosts, with one step per argument; a string is a step of one value."""
    steps = [{"values": [step]} if isinstance(step, str) else step for step in arguments]
    defaults: dict[str, Any] = {
        "title": "Tool",
        "targetTypes": ["host"],
        "pool": "network",
        "command": "tool",
        "output": {"format": "sarif", "source": "file" if "{output}" in str(steps) else "stdout"},
        "parametersSchema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "level": {"type": "string"},
                "count": {"type": "integer", "default": 3},
                "verbose": {"type": "boolean"},
                "skips": {"type": "array", "items": {"type": "string"}},
            },
        },
    }
    return ScannerSpec.model_validate(defaults | {"arguments": steps} | fields)


def argv(*arguments: dict[str, Any] | str, target: dict[str, str] = HOST, **parameters: Any) -> list[str]:
    return build_argv(spec(*arguments), parameters, target, PATHS, scanner_index=2, target_index=4)


def test_the_command_comes_first_and_each_value_is_one_argument() -> None:
    assert argv("-a b", "--level={parameters.level}", level="x y; rm") == ["tool", "-a b", "--level=x y; rm"]


def test_paths_and_targets_fill_their_placeholders() -> None:
    assert argv("{output}", "{workdir}/x", "{rules}", "{source}", "{target.host}")[1:] == [
        "/run/report",
        "/run/x",
        "/rules",
        "/run/source",
        "shop.example",
    ]


def test_doubled_braces_are_literal() -> None:
    assert argv("{target.host}:443{{{target.pinnedAddress}}}")[1:] == ["shop.example:443{192.0.2.7}"]


def test_a_value_with_braces_is_not_expanded_again() -> None:
    assert argv("{parameters.level}", level="{output}")[1:] == ["{output}"]


@pytest.mark.parametrize(("value", "text"), [(7, "7"), (0, "0"), (1.5, "1.5"), (True, "true"), (False, "false")])
def test_numbers_and_booleans_become_text(value: object, text: str) -> None:
    assert argv("{parameters.count}", count=value)[1:] == [text]


@pytest.mark.parametrize("unset", [{}, {"verbose": False}, {"verbose": None}, {"verbose": ""}, {"verbose": []}])
def test_a_step_is_left_out_when_its_guard_is_not_set(unset: dict[str, Any]) -> None:
    steps = {"values": ["-v"], "when": "parameters.verbose"}, {"values": ["-q"], "unless": "parameters.verbose"}
    assert argv(*steps, **unset)[1:] == ["-q"]


@pytest.mark.parametrize("value", [True, 0, "x", ["x"]])
def test_a_step_applies_when_its_guard_is_set(value: object) -> None:
    steps = {"values": ["-v"], "when": "parameters.verbose"}, {"values": ["-q"], "unless": "parameters.verbose"}
    assert argv(*steps, verbose=value)[1:] == ["-v"]


def test_for_each_repeats_the_step_per_item() -> None:
    step = {"values": ["-x", "{item}/{parameters.count}"], "forEach": "parameters.skips"}
    assert argv(step, skips=["a", "b"], count=1)[1:] == ["-x", "a/1", "-x", "b/1"]


def test_a_list_in_one_value_is_joined_with_commas() -> None:
    assert argv("--skip={parameters.skips}", skips=["a", "b"])[1:] == ["--skip=a,b"]


def test_an_item_with_a_comma_cannot_become_two() -> None:
    with pytest.raises(Rejected, match="',', which separates items") as raised:
        argv("--skip={parameters.skips}", skips=["a,b"])
    assert raised.value.pointer == "/scanners/2/parameters/skips"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("--script=evil", "begins with '-'"),
        ("-oX", "begins with '-'"),
        (-1, "begins with '-'"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\x1b[31mb", "control character"),
        ("a\x85b", "control character"),
        ("a\u2028b", "control character"),
        ("\ud800", "control character"),
        ("", "is empty"),
        ("x" * (VALUE_LIMIT + 1), "longer than 4096"),
        (float("nan"), "is not a text"),
        (float("inf"), "is not a text"),
        ({"a": 1}, "is not a text"),
        ([{"a": 1}], "is not a text"),
        ([None], "is not a text"),
        (["ok", "-oX"], "begins with '-'"),
        (["x"] * (ITEMS_LIMIT + 1), "at most 256"),
    ],
    ids=lambda value: repr(value)[:24],
)
@pytest.mark.parametrize("template", ["{parameters.level}", "--level={parameters.level}"])
def test_a_value_that_may_not_be_an_argument_is_refused(template: str, value: object, problem: str) -> None:
    with pytest.raises(Rejected, match=problem) as raised:
        argv(template, level=value)
    assert raised.value.pointer == "/scanners/2/parameters/level"
    assert raised.value.failure.reason is FailureReason.INVALID_PARAMETER


def test_a_target_that_may_not_be_an_argument_is_refused() -> None:
    with pytest.raises(Rejected, match="the target's host begins with '-'") as raised:
        argv("{target.host}", target={"host": "-oX/etc/passwd"})
    assert raised.value.pointer == "/targets/4"


def test_the_longest_value_is_accepted() -> None:
    assert argv("{parameters.level}", level="x" * VALUE_LIMIT)[1:] == ["x" * VALUE_LIMIT]


def test_a_placeholder_without_a_value_is_an_error_not_an_empty_argument() -> None:
    with pytest.raises(TemplateError, match="has no value"):
        argv("{parameters.level}")


@given(st.text(max_size=50))
def test_text_from_outside_is_refused_or_arrives_unchanged_as_one_argument(value: str) -> None:
    try:
        made = argv("--", "{parameters.level}", level=value)
    except Rejected:
        return
    assert made == ["tool", "--", value]
    assert not value.startswith("-")
    assert value.isprintable() or not value.isascii()


@given(st.text(max_size=30))
def test_any_template_fills_or_is_a_template_error(template: str) -> None:
    try:
        fill(template, lambda name: name)
    except TemplateError:
        assert "{" in template or "}" in template


@pytest.mark.parametrize(
    ("target", "address", "fields"),
    [
        (
            {"url": "https://shop.example/a?b"},
            "192.0.2.7",
            {
                "url": "https://shop.example/a?b",
                "scheme": "https",
                "host": "shop.example",
                "urlHost": "shop.example",
                "port": "443",
                "ports": "443",
                "pinnedAddress": "192.0.2.7",
            },
        ),
        (
            {"host": {"address": "2001:db8::1", "ports": "22"}},
            "2001:db8::1",
            {
                "host": "2001:db8::1",
                "urlHost": "[2001:db8::1]",
                "port": "22",
                "ports": "22",
                "pinnedAddress": "2001:db8::1",
                "ipv6": "true",
            },
        ),
        (
            {"host": {"address": "h", "ports": "1-9,22"}},
            "",
            {"host": "h", "urlHost": "h", "ports": "1-9,22"},
        ),
        ({"image": {"reference": "registry.example/shop:1"}}, "", {"reference": "registry.example/shop:1"}),
        ({"repository": {"url": "https://git.example/x.git"}}, "", {}),
    ],
    ids=["url", "IPv6 host with one port", "host with ports", "image", "repository"],
)
def test_a_target_has_the_fields_that_apply_to_it(target: Any, address: str, fields: dict[str, str]) -> None:
    assert target_fields(Target.model_validate(target), address) == fields


def refused(*arguments: dict[str, Any] | str, **fields: Any) -> Rejected:
    with pytest.raises(Rejected) as raised:
        check_template(spec(*arguments, **fields))
    assert raised.value.failure.reason is FailureReason.INVALID_SPEC
    return raised.value


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("{parameters.nonsense}", "neither parameters.NAME"),
        ("{target.nonsense}", "neither parameters.NAME"),
        ("{source}", "only known for targets of the types repository and artifact"),
        ("{parameters.level}", "add when: parameters.level"),
        ("{target.ports}", "add when: target.ports"),
        ("{target.url}", "add when: target.url"),
        ({"values": ["x"], "when": "parameters.nonsense"}, "neither parameters.NAME"),
        ({"values": ["x"], "unless": "target.nonsense"}, "neither parameters.NAME"),
        ({"values": ["{item}"], "forEach": "parameters.level"}, "not a parameter of type array"),
    ],
    ids=str,
)
def test_a_step_that_cannot_always_be_expanded_is_refused(step: dict[str, Any] | str, problem: str) -> None:
    error = refused("fine", step)

    assert problem in error.failure.message
    assert error.pointer == "/arguments/1"


def test_a_guarded_defaulted_or_required_parameter_is_fine() -> None:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["level"],
        "properties": {"level": {}, "count": {"default": 1}, "skips": {"type": "array"}},
    }
    check_template(
        spec(
            "{parameters.level}{parameters.count}{target.host}",
            {"values": ["{parameters.skips}"], "when": "parameters.skips"},
            {"values": ["{item}"], "forEach": "parameters.skips"},
            {"values": ["{target.ports}"], "when": "target.ports"},
            parametersSchema=schema,
        )
    )
