"""What several ScanPolicies allow together, and the borders at which prefixes and suffixes must end."""

from typing import Any

import pytest

from secapi_core.crds.scanpolicy import AllowedTargets, ScanPolicySpec
from secapi_core.crds.scanrequest import Target
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.messages import Priority
from secapi_core.policies import Permissions, TargetRules
from secapi_core.targets import canonical

DIGEST = f"sha256:{'5e' * 32}"


def allows(target: dict[str, Any], **allowed: list[str]) -> bool:
    rules = TargetRules.of(AllowedTargets.model_validate(allowed))
    return rules.allow(canonical(Target.model_validate(target)))


def permissions(*policies: dict[str, Any]) -> Permissions:
    return Permissions.of([ScanPolicySpec.model_validate(policy) for policy in policies])


def check(target: dict[str, Any], *policies: dict[str, Any]) -> None:
    permissions(*policies).check_target(canonical(Target.model_validate(target)), "/targets/0")


@pytest.mark.parametrize(
    ("target", "suffix"),
    [
        ({"host": {"address": "shop.example"}}, "shop.example"),
        ({"host": {"address": "a.b.Shop.example."}}, "shop.EXAMPLE."),
        ({"url": "https://www.shop.example:8443/x"}, "shop.example"),
        ({"host": {"address": "bücher.example"}}, "xn--bcher-kva.example"),
        ({"image": {"reference": "registry.shop.example/web"}}, "shop.example"),
        ({"host": {"address": "localhost"}}, "localhost"),
    ],
)
def test_a_domain_suffix_covers_the_domain_and_what_is_below(target: dict[str, Any], suffix: str) -> None:
    assert allows(target, domainSuffixes=[suffix])


@pytest.mark.parametrize(
    "address", ["evilshop.example", "shop.example.evil.test", "example", "192.0.2.7", "shop-example"]
)
def test_a_domain_suffix_ends_at_a_dot(address: str) -> None:
    assert not allows({"host": {"address": address}}, domainSuffixes=["shop.example"])


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/app",
        "https://shop.example/app/",
        "https://SHOP.example:443/app/a?b=c#d",
        "https://shop.example/x/../app/a",
        "https://shop.example/%61pp?x",
    ],
)
def test_a_url_prefix_covers_what_is_below_its_path(url: str) -> None:
    assert allows({"url": url}, urlPrefixes=["https://shop.example/app"])


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/application",
        "https://shop.example/",
        "https://shop.example/app/../admin",
        "https://shop.example/app/%2e%2e/admin",
        "http://shop.example/app",
        "https://shop.example:8443/app",
        "https://shop.example.evil.test/app",
        "https://evil.test/?https://shop.example/app",
    ],
)
def test_a_url_prefix_ends_at_the_border_of_each_part(url: str) -> None:
    assert not allows({"url": url}, urlPrefixes=["https://shop.example/app"])


def test_a_url_prefix_without_path_covers_the_whole_origin_and_no_other() -> None:
    assert allows({"url": "https://a.example/any"}, urlPrefixes=["https://a.example"])
    assert not allows({"url": "https://a.example.evil/any"}, urlPrefixes=["https://a.example"])


def test_a_url_prefix_allows_no_host() -> None:
    assert not allows({"host": {"address": "shop.example"}}, urlPrefixes=["https://shop.example/"])


@pytest.mark.parametrize(
    ("url", "prefix", "allowed"),
    [
        ("https://git.example/team/shop.git", "https://git.example/team", True),
        ("https://git.example/team/shop.git", "https://git.example/team/", True),
        ("https://git.example/team", "https://git.example/team", True),
        ("https://git.example/any", "https://git.example", True),
        ("ssh://git@git.example:22/team/a", "ssh://git@git.example/team", True),
        ("https://git.example/teams/shop.git", "https://git.example/team", False),
        ("https://git.example.evil.test/team/a", "https://git.example", False),
        ("https://git.example/team/a", "ssh://git@git.example/team", False),
        ("ssh://other@git.example/team/a", "ssh://git@git.example/team", False),
    ],
)
def test_a_repository_prefix_ends_at_a_slash(url: str, prefix: str, allowed: bool) -> None:
    assert allows({"repository": {"url": url}}, repositoryPrefixes=[prefix]) is allowed


def test_a_repository_is_allowed_by_repository_prefixes_only() -> None:
    target = {"repository": {"url": "https://git.example/shop"}}
    assert not allows(target, domainSuffixes=["git.example"], urlPrefixes=["https://git.example/"])


def test_an_uploaded_artifact_is_always_allowed() -> None:
    assert allows({"artifact": {"digest": DIGEST}})


@pytest.mark.parametrize("written", ["192.0.2.7", "::ffff:c000:207"])
def test_a_cidr_covers_addresses_however_they_are_written(written: str) -> None:
    host = f"[{written}]" if ":" in written else written
    assert allows({"url": f"http://{host}/"}, cidrs=["192.0.2.0/24"])
    assert not allows({"url": f"http://{host}/"}, cidrs=["192.0.3.0/24"])


def test_a_cidr_allows_no_name_since_its_owner_chooses_the_address() -> None:
    assert not allows({"host": {"address": "shop.example"}}, cidrs=["0.0.0.0/0"])


def test_an_entry_without_canonical_form_allows_nothing() -> None:
    assert not allows({"host": {"address": "shop.example"}}, domainSuffixes=["xn--a"])


def test_without_policies_everything_public_is_allowed() -> None:
    check({"host": {"address": "shop.example"}})
    check({"url": "https://1.1.1.1/"})
    check({"repository": {"url": "https://git.example/shop"}})


@pytest.mark.parametrize(
    "target",
    [
        {"host": {"address": "127.0.0.1"}},
        {"host": {"address": "localhost"}},
        {"url": "http://169.254.169.254/latest/meta-data/"},
        {"url": "http://[::1]/"},
        {"repository": {"url": "https://10.0.0.1/shop"}},
        {"image": {"reference": "localhost:5000/shop"}},
    ],
)
@pytest.mark.parametrize("policies", [[], [{"maxActiveScans": 5}]])
def test_addresses_in_denied_ranges_are_refused_without_a_policy_that_names_them(
    target: dict[str, Any], policies: list[dict[str, Any]]
) -> None:
    with pytest.raises(Rejected, match="which is denied") as refusal:
        check(target, *policies)
    assert (refusal.value.failure.reason, refusal.value.pointer) == (FailureReason.TARGET_FORBIDDEN, "/targets/0")


def test_a_suffix_does_not_lift_the_denial_of_an_address() -> None:
    with pytest.raises(Rejected, match="which is denied"):
        check({"host": {"address": "localhost"}}, {"allowedTargets": {"domainSuffixes": ["localhost"]}})


def test_a_target_needs_one_policy_that_allows_it() -> None:
    one = {"allowedTargets": {"domainSuffixes": ["one.example"]}}
    two = {"allowedTargets": {"domainSuffixes": ["two.example"]}}
    check({"host": {"address": "two.example"}}, one, two, {"maxActiveScans": 1})
    with pytest.raises(Rejected, match=r"no ScanPolicy of this namespace allows host:three\.example"):
        check({"host": {"address": "three.example"}}, one, two)


def test_an_empty_list_of_targets_allows_nothing() -> None:
    with pytest.raises(Rejected, match="no ScanPolicy of this namespace allows"):
        check({"host": {"address": "shop.example"}}, {"allowedTargets": {}})


def test_a_scanner_needs_one_policy_that_names_it() -> None:
    allowed = permissions({"scanners": ["nmap"]}, {"scanners": ["bandit"]}, {})
    allowed.check_scanner("bandit", "/scanners/0/name")
    with pytest.raises(Rejected, match="do not allow scanner 'semgrep'; allowed: bandit, nmap") as refusal:
        allowed.check_scanner("semgrep", "/scanners/0/name")
    assert refusal.value.failure.reason is FailureReason.SCANNER_FORBIDDEN


def test_without_a_list_every_scanner_is_allowed_and_with_an_empty_one_none() -> None:
    permissions({}).check_scanner("any", "")
    with pytest.raises(Rejected, match="allowed: none"):
        permissions({"scanners": []}).check_scanner("any", "")


def test_the_lowest_priority_ceiling_holds() -> None:
    allowed = permissions({"maxPriority": "interactive"}, {"maxPriority": "normal"}, {})
    allowed.check_priority(Priority.NORMAL, "/priority")
    allowed.check_priority(Priority.BULK, "/priority")
    with pytest.raises(Rejected, match="set priority to 'normal' or lower") as refusal:
        allowed.check_priority(Priority.INTERACTIVE, "/priority")
    assert refusal.value.failure.reason is FailureReason.PRIORITY_FORBIDDEN


def test_the_scope_holds_what_all_policies_name() -> None:
    scope = permissions(
        {"allowedTargets": {"cidrs": ["127.0.0.0/8", "10.0.0.0/8"]}}, {"allowedTargets": {"cidrs": ["127.0.0.0/8"]}}
    ).scope
    assert scope.to_wire()["allowedCidrs"] == ["127.0.0.0/8", "10.0.0.0/8"]
