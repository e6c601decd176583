"""Constraints in Python: the sentence alone reaches the reader, and names on the wire are camelCase only."""

import json
import random
import re
import time
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import TypeAdapter, ValidationError

from manifests import manifest
from secapi_core.crds.base import Model
from secapi_core.crds.constraints import Constraint, pattern, rule, text
from secapi_core.crds.network_values import (
    Cidr,
    DomainSuffix,
    HostAddress,
    HttpUrl,
    ImageReference,
    Ports,
    RepositoryPrefix,
    RepositoryUrl,
    UrlPrefix,
)
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.crds.values import ArtifactName, GitRef, RelativePath
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.crdgen.structural import structural_schema
from secapi_dev.errors import StackError


class Example(Model):
    """Two numbers."""

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule("low must not exceed high", "self.lowEnd <= self.highEnd", lambda e: e.low_end <= e.high_end),
    )

    low_end: int = 1
    """The lower one."""

    high_end: int
    """The higher one."""

    word: Annotated[str, text("must be {short}", like="[a-z]{1,3}")] | None = None
    """A short word."""


def test_an_error_is_the_sentence_and_nothing_else() -> None:
    with pytest.raises(ValidationError) as refusal:
        Example(high_end=2, word="long")
    [error] = refusal.value.errors()
    assert (error["loc"], error["msg"], error["type"]) == (("word",), "must be {short}", "constraint")


def test_a_constraint_over_several_fields_is_enforced() -> None:
    with pytest.raises(ValidationError, match="low must not exceed high"):
        Example(low_end=3, high_end=2)


def test_the_wire_has_camel_case_names_only() -> None:
    assert Example.from_wire({"lowEnd": 1, "highEnd": 2}) == Example(low_end=1, high_end=2)
    with pytest.raises(Rejected) as refusal:
        Example.from_wire({"low_end": 1, "highEnd": 2}, "/example")
    assert (refusal.value.failure.reason, refusal.value.pointer) == (FailureReason.INVALID_SPEC, "/example/low_end")


def test_reading_a_spec_points_at_the_first_field_at_fault() -> None:
    wire = manifest("ScanRequest", **{"targets.2.repository.url": "ftp://h/x"})["spec"]
    with pytest.raises(Rejected, match=r"/targets/2/repository/url: must begin with https://") as refusal:
        ScanRequestSpec.from_wire(wire)
    assert refusal.value.pointer == "/targets/2/repository/url"


def test_the_generator_writes_what_python_enforces() -> None:
    assert structural_schema(Example) == {
        "description": "Two numbers.",
        "type": "object",
        "required": ["highEnd"],
        "properties": {
            "lowEnd": {"description": "The lower one.", "type": "integer", "default": 1, "format": "int64"},
            "highEnd": {"description": "The higher one.", "type": "integer", "format": "int64"},
            "word": {
                "description": "A short word.",
                "type": "string",
                "x-kubernetes-validations": [
                    {"rule": "self.matches(r'^(?:[a-z]{1,3})$')", "message": "must be {short}"}
                ],
            },
        },
        "x-kubernetes-validations": [{"rule": "self.lowEnd <= self.highEnd", "message": "low must not exceed high"}],
    }


def test_a_pattern_that_would_end_its_cel_string_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\\x27"):
        pattern(like="it's")


def test_a_pattern_must_match_to_the_very_end() -> None:
    _, check = pattern(like="[a-z]+")
    assert check("abc")
    assert not check("abc\n")


HARD = {
    "HttpUrl": HttpUrl,
    "UrlPrefix": UrlPrefix,
    "RepositoryUrl": RepositoryUrl,
    "HostAddress": HostAddress,
    "ImageReference": ImageReference,
    "GitRef": GitRef,
    "RelativePath": RelativePath,
    "ArtifactName": ArtifactName,
    "Ports": Ports,
}


@pytest.mark.parametrize("value", HARD.values(), ids=HARD)
@pytest.mark.parametrize("filler", ["a", ".", "-", "1", "1.", "a.1", "/", "@", ":", "//", "%2e/", "0x", "[", "é"])
def test_no_text_makes_a_pattern_run_long(value: Any, filler: str) -> None:
    adapter = TypeAdapter[str](value)
    began = time.process_time()
    for prefix in ("", "https://", "https://h/", "ssh://a@"):
        for suffix in ("", "!", "\n", "@", ":x"):
            room = 150 if value is Ports else 253 if value in (HostAddress, ArtifactName) else 512
            body = (filler * room)[: room - len(prefix) - len(suffix)]
            try:
                adapter.validate_python(prefix + body + suffix)
            except ValidationError:
                continue
    assert time.process_time() - began < 0.5


# --- the apiserver and Python agree ---------------------------------------------------------------------------------

SEEDS = {
    "url": ["https://shop.example/a?b#c", "http://192.0.2.7:80/", "https://[::1]:8443/", "http://u:p@h/", "https://h."],
    "repository": ["https://git.example/a.git", "ssh://git@git.example:22/~me/a", "git://[::1]/x", "ssh://192.0.2.7/a"],
    "host": ["shop.example", "192.0.2.7", "::1", "2001:db8::7", "a_b.c-d.", "127.1", "0x7f.1", "::ffff:1.2.3.4"],
    "cidr": ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "::/0", "0.0.0.0/0", "::ffff:1.0.0.0/104"],
    "ports": ["22", "22,80,8000-8100", "1-65535", "65535-1", "0", "80-80"],
    "image": ["nginx", "registry.example:5000/a/b:1.2", "localhost/a__b", f"a@sha256:{'5e' * 32}"],
    "ref": ["main", "feature/x#1", "v1.2", "a.lock", "a..b", "@{x"],
    "path": ["src/app", ".github", "a/../b", "./a", "a/", "a//b"],
}
ODD = "aZ09.-_:/@?#%[]{}\\\"'`^~*+=,;&|<>() \t\n\x7fé\u3002\u2460"


def mutants(kind: str, count: int) -> list[str]:
    """Distinct strings a few edits away from sensible ones, the same in every run."""
    chance = random.Random(kind)  # noqa: S311 - repeatable examples, no secrets
    found = dict.fromkeys(SEEDS[kind])
    while len(found) < count:
        text = list(chance.choice(SEEDS[kind]))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text) + 1)
            edit = chance.choice(["insert", "delete", "replace"])
            text[place : place + (edit != "insert")] = "" if edit == "delete" else chance.choice(ODD)
        if 0 < len(text) < 100:
            found["".join(text)] = None
    return list(found)


def targets(wrap: Callable[[str], dict[str, Any]]) -> Callable[[list[str]], dict[str, Any]]:
    return lambda values: manifest("ScanRequest", targets=[wrap(value) for value in values])


def allowed(field: str) -> Callable[[list[str]], dict[str, Any]]:
    return lambda values: manifest("ScanPolicy", allowedTargets={field: values})


SHARED = {
    "HttpUrl": ("url", HttpUrl, targets(lambda v: {"url": v})),
    "HostAddress": ("host", HostAddress, targets(lambda v: {"host": {"address": v}})),
    "Ports": ("ports", Ports, targets(lambda v: {"host": {"address": "h", "ports": v}})),
    "RepositoryUrl": ("repository", RepositoryUrl, targets(lambda v: {"repository": {"url": v}})),
    "GitRef": ("ref", GitRef, targets(lambda v: {"repository": {"url": "https://h/x", "ref": v}})),
    "RelativePath": ("path", RelativePath, targets(lambda v: {"repository": {"url": "https://h/x", "path": v}})),
    "ImageReference": ("image", ImageReference, targets(lambda v: {"image": {"reference": v}})),
    "Cidr": ("cidr", Cidr, allowed("cidrs")),
    "DomainSuffix": ("host", DomainSuffix, allowed("domainSuffixes")),
    "UrlPrefix": ("url", UrlPrefix, allowed("urlPrefixes")),
    "RepositoryPrefix": ("repository", RepositoryPrefix, allowed("repositoryPrefixes")),
}


@pytest.mark.parametrize(("kind", "value", "document"), SHARED.values(), ids=SHARED)
async def test_apiserver_and_types_refuse_the_same_texts(
    kind: str, value: Any, document: Callable[[list[str]], dict[str, Any]], kubectl: Kubectl
) -> None:
    texts = mutants(kind, 100)
    adapter = TypeAdapter[str](value)

    def refused(written: str) -> bool:
        try:
            adapter.validate_python(written)
        except ValidationError:
            return True
        return False

    with pytest.raises(StackError) as refusal:
        await kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(document(texts)))
    places = re.findall(r"spec\.(?:targets|allowedTargets\.\w+)\[(\d+)\][.\w]*: Invalid value", str(refusal.value))
    by_apiserver = {texts[int(place)] for place in places}
    assert by_apiserver == {written for written in texts if refused(written)}
    assert len(by_apiserver) < len(texts)
