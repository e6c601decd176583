"""From request to jobs: the same every time, and every refusal names its field and the way out."""

import random
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.planning import Plan, PlatformLimits, check_quota, job_id, plan, scanner_digest

SCAN = UUID("0f2b8f0e-4a53-4a7e-9f4b-0d6f3f0c7a11")
DIGEST = f"sha256:{'5e' * 32}"


def scanner(*target_types: str, arguments: list[dict[str, Any]] | None = None, **fields: Any) -> ScannerSpec:
    """A catalogue entry without parameters that writes its report to stdout."""
    basics = {
        "title": "Tool",
        "targetTypes": list(target_types),
        "pool": "network",
        "command": "tool",
        "arguments": arguments or [],
        "output": {"format": "sarif", "source": "stdout"},
    }
    return ScannerSpec.model_validate(basics | fields)


CATALOGUE = {
    "web": scanner("url", pool="web"),
    "ports": scanner(
        "host",
        "url",
        family="nmap",
        arguments=[{"values": ["--script", "{parameters.script}"], "when": "parameters.script"}],
        parametersSchema={
            "type": "object",
            "additionalProperties": False,
            "properties": {"script": {"type": "string"}, "top": {"type": "integer", "default": 100}},
        },
    ),
    "code": scanner("repository", "artifact", pool="code"),
    "broken": scanner("url", arguments=[{"values": ["{parameters.missing}"]}]),
}


def planned(
    targets: list[dict[str, Any]],
    scanners: list[dict[str, Any]],
    *policies: dict[str, Any],
    limits: PlatformLimits | None = None,
    **fields: Any,
) -> Plan:
    spec = ScanRequestSpec.model_validate({"targets": targets, "scanners": scanners, **fields})
    rules = [ScanPolicySpec.model_validate(policy) for policy in policies]
    return plan(SCAN, spec, CATALOGUE, rules, limits or PlatformLimits())


URL = {"url": "https://Shop.example:443/a/../"}
HOST = {"host": {"address": "shop.example"}}
SOURCE = {"artifact": {"digest": DIGEST}}


def refused(*arguments: Any, **keywords: Any) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        planned(*arguments, **keywords)
    return refusal.value


def test_every_scanner_meets_every_target_of_a_type_it_takes() -> None:
    jobs = planned([URL, SOURCE, HOST], [{"name": "ports"}, {"name": "code"}, {"name": "web"}]).jobs
    assert [(job.scanner, job.target_key) for job in jobs] == [
        ("ports", "url:https://shop.example:443/"),
        ("ports", "host:shop.example"),
        ("code", f"artifact:{DIGEST}"),
        ("web", "url:https://shop.example:443/"),
    ]
    assert [job.ordinal for job in jobs] == [0, 1, 2, 3]


def test_a_job_carries_all_that_a_worker_needs() -> None:
    result = planned([URL], [{"name": "ports", "parameters": {"script": "x"}}], timeoutSeconds=60, maxAttempts=2)
    [job] = result.jobs
    assert job.id == job_id(SCAN, "ports", "url:https://shop.example:443/")
    assert (job.family, job.pool, job.timeout_seconds, job.max_attempts) == ("nmap", "network", 60, 2)
    assert job.target.to_wire() == {"url": "https://shop.example/"}
    assert job.parameters == {"script": "x", "top": 100}
    assert result.scanner_specs == {job.scanner_digest: CATALOGUE["ports"]}


def test_the_family_is_the_scanners_name_unless_it_says_otherwise() -> None:
    assert planned([URL], [{"name": "web"}]).jobs[0].family == "web"


def test_the_digest_names_exactly_what_runs() -> None:
    spec = CATALOGUE["ports"]
    again = ScannerSpec.model_validate_json(spec.model_dump_json(by_alias=True))
    assert scanner_digest(again) == scanner_digest(spec)
    assert scanner_digest(spec) != scanner_digest(spec.model_copy(update={"command": "other"}))
    assert len(scanner_digest(spec)) == len("sha256:") + 64


def test_the_plan_keeps_the_addresses_that_were_allowed() -> None:
    policy = {"allowedTargets": {"cidrs": ["127.0.0.0/8"]}}
    cluster = PlatformLimits(denied_cidrs=(ip_network("10.96.0.0/12"),))
    scope = planned([{"url": "http://127.0.0.1/"}], [{"name": "web"}], policy, limits=cluster).scope
    assert scope.to_wire() == {"allowedCidrs": ["127.0.0.0/8"], "deniedCidrs": ["10.96.0.0/12"]}


@pytest.mark.parametrize(
    ("targets", "scanners", "reason", "pointer", "words"),
    [
        ([URL], [{"name": "web"}, {"name": "nope"}], "UnknownScanner", "/scanners/1/name", "no Scanner named 'nope'"),
        ([URL], [{"name": "web"}, {"name": "code"}], "NoMatchingTarget", "/scanners/1", "repository and artifact"),
        ([URL, SOURCE], [{"name": "web"}], "NoMatchingTarget", "/targets/1", "takes artifact targets"),
        (
            [URL],
            [{"name": "ports", "parameters": {"topPorts": 5}}],
            "InvalidParameter",
            "/scanners/0/parameters/topPorts",
            "it takes script, top",
        ),
        (
            [HOST, URL],
            [{"name": "web"}, {"name": "ports", "parameters": {"script": "-oX/tmp/x"}}],
            "InvalidParameter",
            "/scanners/1/parameters/script",
            "begins with '-'",
        ),
        ([URL], [{"name": "broken"}], "InvalidParameter", "/scanners/0", "catalogue entry of scanner 'broken'"),
        (
            [HOST, {"host": {"address": "SHOP.example.", "ports": "22"}}],
            [{"name": "ports"}],
            "InvalidSpec",
            "/targets/1",
            "is the same target as /targets/0: both are host:shop.example",
        ),
        ([URL, {"url": "https://xn--a/"}], [{"name": "web"}], "InvalidSpec", "/targets/1/url", "is not an http"),
        ([URL, {"url": "http://10.0.0.1/"}], [{"name": "web"}], "TargetForbidden", "/targets/1", "private range"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused_by_field(
    targets: list[dict[str, Any]], scanners: list[dict[str, Any]], reason: str, pointer: str, words: str
) -> None:
    rejected = refused(targets, scanners)
    assert (rejected.failure.reason, rejected.pointer) == (reason, pointer)
    assert words in rejected.failure.message


@pytest.mark.parametrize(
    ("policy", "reason", "pointer"),
    [
        ({"allowedTargets": {"domainSuffixes": ["other.example"]}}, "TargetForbidden", "/targets/0"),
        ({"scanners": ["code"]}, "ScannerForbidden", "/scanners/0/name"),
        ({"maxPriority": "bulk"}, "PriorityForbidden", "/priority"),
        ({"maxJobsPerScan": 1}, "QuotaExceeded", "/targets"),
    ],
)
def test_what_a_policy_forbids_is_refused_by_field(policy: dict[str, Any], reason: str, pointer: str) -> None:
    rejected = refused([URL, HOST], [{"name": "ports"}], policy)
    assert (rejected.failure.reason, rejected.pointer) == (reason, pointer)


def test_the_smallest_ceiling_on_jobs_holds() -> None:
    targets = [{"url": f"https://shop.example/{n}"} for n in range(3)]
    planned(targets, [{"name": "web"}], {"maxJobsPerScan": 3}, {"maxJobsPerScan": 5})
    assert "makes 3 jobs" in refused(targets, [{"name": "web"}], {"maxJobsPerScan": 2}, {}).failure.message
    assert (
        "2 are allowed"
        in refused(targets, [{"name": "web"}], limits=PlatformLimits(max_jobs_per_scan=2)).failure.message
    )


def test_targets_that_differ_only_in_their_commit_are_one() -> None:
    one, two = ({"repository": {"url": "https://git.example/s", "ref": commit * 20}} for commit in ("5e", "6f"))
    assert refused([one, two], [{"name": "code"}]).failure.reason is FailureReason.INVALID_SPEC


def test_the_largest_request_is_planned() -> None:
    catalogue = {f"scanner-{n}": scanner("url") for n in range(20)}
    spec = ScanRequestSpec.model_validate(
        {
            "targets": [{"url": f"https://shop.example/{n}"} for n in range(100)],
            "scanners": [{"name": name} for name in catalogue],
        }
    )
    jobs = plan(SCAN, spec, catalogue, [], PlatformLimits()).jobs
    assert len({job.id for job in jobs}) == 2_000


def test_a_quota_is_reached_when_as_many_scans_are_unfinished() -> None:
    policies = [ScanPolicySpec(max_active_scans=5), ScanPolicySpec(max_active_scans=3), ScanPolicySpec()]
    check_quota(2, policies)
    with pytest.raises(Rejected, match=r"has 3 unfinished scans and its ScanPolicies allow 3 \(maxActiveScans\)"):
        check_quota(3, policies)
    check_quota(1_000_000, [ScanPolicySpec()])


@given(
    st.lists(st.sampled_from(["a", "b", "c.d", "e"]), min_size=1, max_size=4, unique=True),
    st.permutations(["web", "ports"]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_targets_and_scanners_changes_no_job(
    paths: list[str], names: list[str], shuffler: random.Random
) -> None:
    targets = [{"url": f"https://shop.example/{path}"} for path in paths]
    shuffled = targets.copy()
    shuffler.shuffle(shuffled)
    scanners = [{"name": name} for name in names]
    plain = planned(targets, [{"name": "ports"}, {"name": "web"}])
    mixed = planned(shuffled, scanners)
    assert {job.id: (job.scanner, job.target_key) for job in plain.jobs} == {
        job.id: (job.scanner, job.target_key) for job in mixed.jobs
    }
    assert planned(shuffled, scanners) == mixed


@given(st.uuids(), st.uuids())
def test_jobs_of_two_scans_have_different_ids(one: UUID, two: UUID) -> None:
    assert (job_id(one, "web", "url:x") == job_id(two, "web", "url:x")) == (one == two)
