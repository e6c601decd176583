"""One spelling per target: equal targets are equal, odd spellings of addresses never get past the check."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from manifests import DIGEST
from secapi_core.crds.scanrequest import Target
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.targets import CanonicalTarget, canonical, canonical_host, canonical_url

COMMIT = "5e" * 20


def url(text: str) -> CanonicalTarget:
    return canonical(Target(url=text))


def host(address: str) -> CanonicalTarget:
    return canonical(Target.model_validate({"host": {"address": address}}))


def repository(text: str, **more: str) -> CanonicalTarget:
    return canonical(Target.model_validate({"repository": {"url": text, **more}}))


def image(reference: str) -> CanonicalTarget:
    return canonical(Target.model_validate({"image": {"reference": reference}}))


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("https://shop.example", "url:https://shop.example:443/"),
        ("https://Shop.Example.:443/", "url:https://shop.example:443/"),
        ("http://shop.example/a/./b/../c", "url:http://shop.example:80/a/c"),
        ("http://shop.example/%7euser/%2fx", "url:http://shop.example:80/~user/%2Fx"),
        ("http://shop.example/a%", "url:http://shop.example:80/a%25"),
        ("https://shop.example/?b=1&a=2#part", "url:https://shop.example:443/?b=1&a=2"),
        ("https://bücher.example/ä", "url:https://xn--bcher-kva.example:443/%C3%A4"),
        ("https://[2001:DB8:0:0::7]:8443/", "url:https://[2001:db8::7]:8443/"),
        ("http://[::ffff:192.0.2.7]/", "url:http://192.0.2.7:80/"),
        ("https://\uff53hop.example/", "url:https://shop.example:443/"),
    ],
)
def test_a_url_has_one_spelling(written: str, key: str) -> None:
    assert url(written).key == key


def test_a_url_is_handed_to_the_scanner_in_that_spelling() -> None:
    target = url("https://SHOP.example:443/a/../b?q=%41#part")
    assert target.url == target.target.url == "https://shop.example/b?q=A"
    assert (target.host, target.port) == ("shop.example", 443)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Shop.Example.", "host:shop.example"),
        ("bücher.example", "host:xn--bcher-kva.example"),
        ("192.0.2.7", "host:192.0.2.7"),
        ("2001:DB8:0:0::7", "host:2001:db8::7"),
        ("_dmarc.shop.example", "host:_dmarc.shop.example"),
    ],
)
def test_a_host_has_one_spelling(written: str, key: str) -> None:
    assert host(written).key == key


def test_ports_are_kept_and_are_no_part_of_a_hosts_identity() -> None:
    target = canonical(Target.model_validate({"host": {"address": "SHOP.example", "ports": "22,80"}}))
    assert target.key == "host:shop.example"
    assert target.target.to_wire() == {"host": {"address": "shop.example", "ports": "22,80"}}


LOOPBACK_SPELLINGS = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "017700000001",
    "127.0.0.1.",
    "\u2460\u2461\u2466.0.0.1",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "::ffff:127.0.0.1",
    "[::ffff:7f00:1]",
    "localhost",
    "LocalHost.",
    "shop.localhost",
]


@pytest.mark.parametrize("written", LOOPBACK_SPELLINGS)
def test_every_spelling_of_loopback_is_recognized(written: str) -> None:
    name = canonical_host(written)
    assert CanonicalTarget(target=Target(url="http://any.example/"), key="", host=name).address == IPv4Address(
        "127.0.0.1"
    )


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a b",
        "a/b",
        "user@host",
        "a:80:b",
        "a%2eb",
        "[::1",
        "fe80::1%eth0",
        "-a.example",
        "a..b",
        "256.1.1.1",
        "a" * 64,
    ],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(Rejected, match="is not a host name or an IP address"):
        canonical_host(written)


@pytest.mark.parametrize(
    ("written", "more", "key"),
    [
        ("https://git.example/shop.git", {}, "repository:https://git.example/shop.git"),
        ("https://GIT.example:443//team//shop/", {}, "repository:https://git.example/team/shop"),
        ("ssh://git@git.example:22/~me/shop", {}, "repository:ssh://git@git.example/~me/shop"),
        ("git://[2001:db8::7]:9419/shop", {}, "repository:git://[2001:db8::7]:9419/shop"),
        ("https://git.example/s", {"ref": "main", "path": "src/"}, "repository:https://git.example/s#main//src"),
        ("https://git.example/s", {"path": "src"}, "repository:https://git.example/s//src"),
        ("https://git.example/s", {"ref": COMMIT}, "repository:https://git.example/s"),
        ("https://git.example/s", {"ref": COMMIT, "path": "a"}, "repository:https://git.example/s//a"),
    ],
)
def test_a_repository_has_one_spelling(written: str, more: dict[str, str], key: str) -> None:
    assert repository(written, **more).key == key


def test_a_commit_is_scanned_though_it_is_no_part_of_the_identity() -> None:
    assert repository("https://git.example/s", ref=COMMIT).target.to_wire()["repository"]["ref"] == COMMIT


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.2", "docker.io/library/nginx:1.2"),
        ("team/shop", "docker.io/team/shop"),
        ("Registry.example/shop:1.2", "registry.example/shop:1.2"),
        (f"registry.example:5000/a/b@{DIGEST}", f"registry.example:5000/a/b@{DIGEST}"),
        ("localhost:5000/shop", "localhost:5000/shop"),
    ],
)
def test_an_image_has_one_spelling(written: str, spelled: str) -> None:
    assert image(written).target.to_wire() == {"image": {"reference": spelled}}


@pytest.mark.parametrize("version", ["", ":1.2", f"@{DIGEST}", f":1.2@{DIGEST}"])
def test_an_images_version_is_no_part_of_its_identity(version: str) -> None:
    assert image(f"registry.example/shop{version}").key == "image:registry.example/shop"


def test_an_artifact_is_known_by_its_name_or_else_by_its_digest() -> None:
    def key(**fields: str) -> str:
        return canonical(Target.model_validate({"artifact": {"digest": DIGEST, **fields}})).key

    assert (key(name="shop"), key()) == ("artifact:shop", f"artifact:{DIGEST}")


def test_a_target_that_slipped_past_the_grammar_is_refused_with_its_field() -> None:
    with pytest.raises(Rejected) as refusal:
        url("https://xn--a/")
    assert (refusal.value.failure.reason, refusal.value.pointer) == (FailureReason.INVALID_SPEC, "/url")


def test_a_url_that_grows_too_long_by_escaping_is_refused() -> None:
    with pytest.raises(Rejected, match="in canonical spelling the target is not valid") as refusal:
        url(f"https://shop.example/{'é' * 1_000}")
    assert refusal.value.pointer == "/url"


# --- properties -----------------------------------------------------------------------------------------------------

LABELS = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
TOPS = st.sampled_from(["example", "Test", "xn--bcher-kva"])
NAMES = st.builds(lambda labels, top: ".".join([*labels, top]), st.lists(LABELS, max_size=3), TOPS)
HOSTS = st.one_of(NAMES, st.ip_addresses().map(str))
PATHS = st.text("abcAZ09/._~%-+=:@é", max_size=40).map(lambda text: f"/{text}")
IMAGE_PATHS = st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5})?(:[a-z]{1,3})?", fullmatch=True)


def bracket(name: str) -> str:
    return f"[{name}]" if ":" in name else name


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Any target that the grammar lets through, and one fixed target instead of any other."""
    name, path = draw(HOSTS), draw(PATHS)
    authority = bracket(name) + draw(st.one_of(st.just(""), st.integers(1, 65_535).map(lambda port: f":{port}")))
    wire = draw(
        st.sampled_from(
            [
                {"url": f"https://{authority}{path}"},
                {"url": f"http://{authority}{path}"},
                {"host": {"address": name}},
                {"repository": {"url": f"https://{authority}{path}"}},
                {"repository": {"url": f"ssh://git@{authority}{path}"}},
                {"image": {"reference": f"{authority}/{draw(IMAGE_PATHS)}"}},
            ]
        )
    )
    try:
        return Target.model_validate(wire)
    except ValidationError:
        return Target(url="https://shop.example/")


@given(targets())
def test_a_canonical_target_is_its_own_canonical_form(target: Target) -> None:
    try:
        once = canonical(target)
    except Rejected:
        return
    assert canonical(once.target) == once


@given(NAMES, st.sampled_from(["", "."]))
def test_names_that_differ_in_case_and_final_dot_are_one(name: str, dot: str) -> None:
    assert canonical_host(name.swapcase() + dot) == canonical_host(name)


@given(st.ip_addresses(v=6))
def test_spellings_of_an_ipv6_address_are_one(address: IPv6Address) -> None:
    assert canonical_host(address.exploded.upper()) == canonical_host(str(address))


@given(st.ip_addresses(v=4))
def test_spellings_of_an_ipv4_address_are_one(address: IPv4Address) -> None:
    octets = address.packed
    for spelling in (
        str(int(address)),
        hex(int(address)),
        ".".join(f"0{octet:o}" for octet in octets),
        ".".join(map(hex, octets)),
        f"{octets[0]}.{int(address) & 0xFFFFFF}",
        f"::ffff:{address}",
    ):
        assert canonical_host(spelling) == str(address)


@given(HOSTS, PATHS, st.integers(1, 65_535))
def test_a_default_port_and_a_fragment_make_no_difference(name: str, path: str, port: int) -> None:
    try:
        plain = canonical_url(f"https://{bracket(name)}{path}")
    except Rejected:
        return
    assert canonical_url(f"https://{bracket(name)}:443{path}#x") == plain
    assert (canonical_url(f"https://{bracket(name)}:{port}{path}") == plain) == (port == 443)


@given(st.text(max_size=80))
def test_any_text_as_host_is_refused_or_spelled_safely(written: str) -> None:
    try:
        name = canonical_host(written)
    except Rejected:
        return
    assert name.isascii()
    assert name == name.lower()
    assert not name.startswith("-")
    assert not set(name) & set("/?#@[]%\\ \t\r\n")
    assert canonical_host(name) == name
