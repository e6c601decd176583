"""Identity of findings: the pinned bytes, what it depends on, and what it must not depend on."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.findings import Confidence, Finding, Location, Severity
from secapi_core.fingerprints import IDENTITY_VERSION, fingerprint, identify

# Text of a finding about somebody's code; nothing here runs it.
CODE = Finding(
    rule="B602",
    title="subprocess call with shell=True",
    severity=Severity.HIGH,
    location=Location(path="src/app.py", start_line=12, end_line=13),
    anchor="subprocess.call(command, shell=True)",
)
ENDPOINT = Finding(
    rule="open-port",
    title="Open port 443/tcp",
    severity=Severity.INFO,
    location=Location(host="shop.example", port=443, protocol="tcp"),
)
PAGE = Finding(
    rule="missing-hsts",
    title="No Strict-Transport-Security header",
    severity=Severity.LOW,
    location=Location(url="https://shop.example/basket?b=2&a=1"),
    anchor="Zażółć",
)


def identity(finding: Finding, ordinal: int = 0) -> bytes:
    return fingerprint("team-a", "url:https://shop.example:443/", "tool", finding, ordinal)


@pytest.mark.parametrize(
    ("finding", "ordinal", "expected"),
    [
        (CODE, 0, "c74babd18432ae79312a3c4e8025aac7fdc53b7731ccb1d41e10dd25b24728b8"),
        (CODE, 1, "340cc7c796b108042e957ed22a736382b33abc3c001ff911482d442962b501ba"),
        (ENDPOINT, 0, "a29ef112f0acc2cb94d39685aba20a5d648a9416a3ddc1663b70fd64568b0cff"),
        (PAGE, 0, "e4c2fc47756a3a8f9af119b9e0beda8eb4ce396c964824e04961b8b713f5e926"),
    ],
    ids=["code", "the same code a second time", "endpoint", "url"],
)
def test_the_bytes_never_change(finding: Finding, ordinal: int, expected: str) -> None:
    assert identity(finding, ordinal).hex() == expected


def test_the_bytes_are_sha256_over_length_prefixed_fields() -> None:
    fields = [IDENTITY_VERSION, "ns", "target", "family", "B602", "src/app.py", "", "", "", "", CODE.anchor, "0"]
    message = b"".join(len(field.encode()).to_bytes(8, "big") + field.encode() for field in fields)

    assert fingerprint("ns", "target", "family", CODE, 0) == sha256(message).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"severity": Severity.LOW},
        {"title": "other words"},
        {"description": "more words"},
        {"remediation": "do this"},
        {"confidence": Confidence.LOW},
        {"cwes": (78,)},
        {"vulnerability_ids": ("CVE-2026-1",)},
        {"cvss_score": 9.8},
        {"references": ("https://example.com",)},
        {"details": {"more": True}},
        {"location": Location(path="src/app.py", start_line=99)},
        {"location": Location(path="./src/app.py", start_line=12)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_tool_may_change_its_mind_about_does_not_matter(change: dict[str, Any]) -> None:
    assert identity(replace(CODE, **change)) == identity(CODE)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "B603"},
        {"anchor": "subprocess.call(other, shell=True)"},  # text, as CODE's
        {"location": Location(path="src/other.py", start_line=12)},
        {"location": Location(host="src/app.py", start_line=12)},
    ],
    ids=["rule", "anchor", "path", "kind of location"],
)
def test_rule_place_and_anchor_matter(change: dict[str, Any]) -> None:
    assert identity(replace(CODE, **change)) != identity(CODE)


@pytest.mark.parametrize("owner", [("b", "t", "f"), ("n", "b", "f"), ("n", "t", "b"), ("nt", "", "f")])
def test_namespace_target_and_family_matter(owner: tuple[str, str, str]) -> None:
    assert fingerprint(*owner, CODE, 0) != fingerprint("n", "t", "f", CODE, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Location(host="Shop.Example."), Location(host="shop.example")),
        (Location(host="2001:DB8:0:0::1"), Location(host="2001:db8::1")),
        (Location(host="h", port=1, protocol="TCP"), Location(host="h", port=1, protocol="tcp")),
        (Location(url="https://H.example:443/?b=2&a=1#top"), Location(url="https://h.example/?a=1&b=2")),
        (Location(url="http://user@h.example"), Location(url="http://h.example/")),
    ],
    ids=["case and final dot", "address", "protocol", "url", "user and empty path"],
)
def test_spellings_of_one_place_are_one_place(one: Location, other: Location) -> None:
    assert identity(replace(CODE, location=one)) == identity(replace(CODE, location=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Location(url="https://h.example/?q=%FF"), Location(url="https://h.example/?q=%FE")),
        (Location(url="https://h.example:8443/"), Location(url="https://h.example/")),
        (Location(url="http://h.example/A"), Location(url="http://h.example/a")),
        (Location(url="http://[broken"), Location(url="http://[broken2")),
        (Location(host="h", port=1, protocol="tcp"), Location(host="h", port=1, protocol="udp")),
    ],
    ids=["query value", "port", "case of the path", "not a URL", "protocol"],
)
def test_different_places_stay_apart(one: Location, other: Location) -> None:
    assert identity(replace(CODE, location=one)) != identity(replace(CODE, location=other))


@given(st.lists(st.text("ab:/\N{SNOWMAN}", max_size=6), min_size=4, max_size=4), st.data())
def test_text_cannot_move_between_fields_unnoticed(fields: list[str], data: st.DataObject) -> None:
    """Any other way of cutting the same text into namespace, target, family and anchor is another identity."""
    text = "".join(fields)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=3, max_size=3)))
    recut = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def of(namespace: str, target: str, family: str, anchor: str) -> bytes:
        return fingerprint(namespace, target, family, replace(CODE, anchor=anchor), 0)

    assert (of(*fields) == of(*recut)) == (fields == recut)


def report(*findings: Finding) -> list[tuple[bytes, Finding]]:
    return list(identify("team-a", "host:shop.example", "tool", findings))


def at(line: int | None, **change: Any) -> Finding:
    return replace(CODE, location=Location(path="src/app.py", start_line=line), **change)


def test_an_exact_repeat_is_dropped() -> None:
    assert [finding for _, finding in report(at(1), at(1, severity=Severity.LOW), at(1))] == [at(1)]


def test_the_same_code_on_other_lines_is_told_apart_in_order() -> None:
    identities = [found for found, _ in report(at(5), at(9), at(7))]

    expected = [fingerprint("team-a", "host:shop.example", "tool", CODE, ordinal) for ordinal in (0, 1, 2)]
    assert identities == expected


def test_moving_code_down_keeps_every_identity() -> None:
    before = {found for found, _ in report(at(5), at(9), at(5, rule="B101"))}
    after = {found for found, _ in report(at(15), at(19), at(15, rule="B101"))}

    assert before == after


def test_findings_are_identified_as_they_come() -> None:
    def endless() -> Any:
        line = 0
        while True:
            line += 1
            yield at(line)

    stream = identify("n", "t", "f", endless())
    assert len({next(stream)[0] for _ in range(100)}) == 100


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3))))
def test_identities_in_one_report_are_unique_and_repeatable(shape: list[tuple[str, int]]) -> None:
    findings = [at(line, rule=rule) for rule, line in shape]
    identities = [found for found, _ in report(*findings)]

    assert len(set(identities)) == len(identities) == len(set(shape))
    assert identities == [found for found, _ in report(*findings)]
