"""Every mistake a person can make in a manifest is refused by the apiserver and by the types, with the same words."""

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from manifests import DIGEST, KINDS, manifest
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.errors import StackError


@dataclass(frozen=True)
class Mistake:
    """One change to a valid manifest, and what the refusal must say.

    ``says`` is in both refusals, unless the apiserver and pydantic have words of their own for such a mistake.
    """

    kind: str
    field: str
    value: Any
    says: str = ""
    apiserver: str = ""
    types: str = ""

    @property
    def manifest(self) -> dict[str, Any]:
        return manifest(self.kind, **{self.field: self.value})

    def __str__(self) -> str:
        return f"{self.kind}-{self.field}-{str(self.value)[:40]}"


def request(field: str, value: Any, says: str = "", **words: str) -> Mistake:
    return Mistake("ScanRequest", field, value, says, **words)


def schedule(field: str, value: Any, says: str = "", **words: str) -> Mistake:
    return Mistake("ScanSchedule", field, value, says, **words)


def policy(field: str, value: Any, says: str = "", **words: str) -> Mistake:
    return Mistake("ScanPolicy", field, value, says, **words)


def scanner(field: str, value: Any, says: str = "", **words: str) -> Mistake:
    return Mistake("Scanner", field, value, says, **words)


ONE_OF = "set exactly one of url, host, repository, artifact, image"
HTTP = "must begin with http:// or https://"
HOST = "must be one host name or IP address without scheme, port, path, wildcard or range"
PORTS = "must be ports between 1 and 65535, or ranges of them from low to high"
CIDR = "must be a CIDR whose host bits are zero"
DOMAIN = "must be a domain such as shop.example"
CRON = "must be five cron fields"
ZONE = "must be an IANA time zone"
REF = "must be a branch, tag or commit"
PATH = "must be a relative path"
BRACES = "must hold no braces but"
CLOSED = "must have type: object and additionalProperties: false"
TARGET = "targets.0"

MISTAKES = [
    # What to scan.
    request("targets", ..., apiserver="spec.targets: Required value", types="Field required"),
    request("targets", [], apiserver="should have at least 1 items", types="at least 1 item"),
    request(
        "targets",
        [{"url": f"https://shop.example/{n}"} for n in range(101)],
        apiserver="must have at most 100 items",
        types="at most 100 items",
    ),
    request(TARGET, {}, ONE_OF),
    request(TARGET, {"url": "https://a.example/", "host": {"address": "a.example"}}, ONE_OF),
    request(TARGET, {"domain": "a.example"}, apiserver='unknown field "spec.targets[0].domain"', types="Extra inputs"),
    request("targets", [{"url": "https://a.example/"}] * 2, "Duplicate value"),
    request("targets", [{"host": {"address": "a.example", "ports": "22"}}] * 2, "Duplicate value"),
    request("targets", [{"repository": {"url": "https://git.example/a", "path": "src"}}] * 2, "Duplicate value"),
    request("targets", [{"artifact": {"digest": DIGEST}}] * 2, "Duplicate value"),
    request("targets", [{"image": {"reference": "nginx"}}] * 2, "Duplicate value"),
    # URLs.
    request("targets.0.url", "ftp://shop.example/", HTTP),
    request("targets.0.url", "shop.example", HTTP),
    request("targets.0.url", "javascript:alert(1)", HTTP),
    request("targets.0.url", "https://", "must name a host"),
    request("targets.0.url", "https:///path", "must name a host"),
    request("targets.0.url", "https://user:secret@shop.example/", "must not contain a user name or password"),
    request("targets.0.url", "https://shop.example@evil.example/", "must not contain a user name or password"),
    request("targets.0.url", "https://shop.example/a b", "must not contain spaces"),
    request("targets.0.url", "https://shop.example\\@evil.example/", "must not contain"),
    request("targets.0.url", "https://shop.example/\r\nX: y", "must not contain spaces, control characters"),
    request("targets.0.url", "https://2130706433/", "an IPv4 address is four decimal numbers"),
    request("targets.0.url", "https://0x7f.0.0.1/", "an IPv4 address is four decimal numbers"),
    request("targets.0.url", "https://127.1:8080/", "an IPv4 address is four decimal numbers"),
    request("targets.0.url", "https://0177.0.0.1/", "an IPv4 address is four decimal numbers"),
    request("targets.0.url", "https://shop.example:99999/", "must have a port between 1 and 65535"),
    request("targets.0.url", "https://shop.example:0/", "must have a port between 1 and 65535"),
    request("targets.0.url", f"https://shop.example/{'x' * 2048}", apiserver="Too long", types="at most 2048"),
    # Hosts and ports.
    request("targets.1.host", {}, apiserver="host.address: Required value", types="Field required"),
    request("targets.1.host.address", "https://shop.example/", HOST),
    request("targets.1.host.address", "shop.example:443", HOST),
    request("targets.1.host.address", "*.shop.example", HOST),
    request("targets.1.host.address", "10.0.0.0/24", HOST),
    request("targets.1.host.address", "10.0.0.1-20", HOST),
    request("targets.1.host.address", "2130706433", HOST),
    request("targets.1.host.address", "127.1", HOST),
    request("targets.1.host.address", "0x7f.1", HOST),
    request("targets.1.host.address", "10.0.0.256", HOST),
    request("targets.1.host.address", "127.0.0.1.", HOST),
    request("targets.1.host.address", "::ffff:127.0.0.1", HOST),
    request("targets.1.host.address", "fe80::1%eth0", HOST),
    request("targets.1.host.address", "[::1]", HOST),
    request("targets.1.host.address", "-oProxyCommand=x", HOST),
    request("targets.1.host.address", "shop..example", HOST),
    request("targets.1.host.address", "shop.example\n", HOST),
    request("targets.1.host.ports", "http", PORTS),
    request("targets.1.host.ports", "0", PORTS),
    request("targets.1.host.ports", "80,65536", PORTS),
    request("targets.1.host.ports", "100-20", PORTS),
    request("targets.1.host.ports", "80,,443", PORTS),
    request("targets.1.host.ports", "80, 443", PORTS),
    request("targets.1.host.ports", 443, apiserver="must be of type string", types="valid string"),
    # Repositories.
    request("targets.2.repository.url", "http://git.example/shop.git", "must begin with https://, ssh:// or git://"),
    request("targets.2.repository.url", "file:///etc", "must begin with https://, ssh:// or git://"),
    request("targets.2.repository.url", "git@git.example:shop.git", "write git@host:path as ssh://git@host/path"),
    request("targets.2.repository.url", "https://token@git.example/a.git", "must not contain a password or token"),
    request("targets.2.repository.url", "ssh://git:secret@git.example/a", "must not contain a password or token"),
    request("targets.2.repository.url", "ssh://-oProxyCommand=x/a", "must name a host"),
    request("targets.2.repository.url", "ssh://-x@git.example/a", "must have a user name of letters"),
    request("targets.2.repository.url", "https://git.example/", "must name a repository after the host"),
    request("targets.2.repository.url", "https://git.example/a/../b", "must not contain . or .. as a path segment"),
    request("targets.2.repository.url", "https://git.example/a/%2E%2e/b", "must not contain . or .. as a path segment"),
    request("targets.2.repository.url", "https://git.example/a?x=1", "must not contain spaces"),
    request("targets.2.repository.ref", "--upload-pack=touch /tmp/x", REF),
    request("targets.2.repository.ref", "main..evil", REF),
    request("targets.2.repository.ref", "a b", REF),
    request("targets.2.repository.ref", "", apiserver="at least 1 chars", types="at least 1 character"),
    request("targets.2.repository.path", "/etc", PATH),
    request("targets.2.repository.path", "src/../../etc", PATH),
    request("targets.2.repository.path", "-rf", PATH),
    request("targets.2.repository.path", "src\\app", PATH),
    # Artifacts and images.
    request("targets.3.artifact.digest", "sha256:abc", "must be 'sha256:' and 64 lower-case hexadecimal digits"),
    request("targets.3.artifact.digest", DIGEST.upper(), "must be 'sha256:' and 64 lower-case hexadecimal digits"),
    request("targets.3.artifact.name", "../shop", "must be letters, digits and"),
    request("targets.4.image.reference", "https://registry.example/shop", "must be an image reference"),
    request("targets.4.image.reference", "registry.example/Shop", "must be an image reference"),
    request("targets.4.image.reference", "-v", "must be an image reference"),
    # Scanners and settings of a request.
    request("scanners", [], apiserver="should have at least 1 items", types="at least 1 item"),
    request("scanners.1.name", "nmap", "Duplicate value"),
    request("scanners.0.name", "Nmap", "must be at most 63 lower-case letters"),
    request("scanners.0.parameters", ["-v"], apiserver="must be of type object", types="valid dictionary"),
    request("scanners.0.arguments", ["-v"], apiserver="unknown field", types="Extra inputs"),
    request("priority", "urgent", apiserver='supported values: "interactive", "normal", "bulk"', types="'interactive'"),
    request("timeoutSeconds", 0, apiserver="greater than or equal to 1", types="greater than or equal to 1"),
    request("timeoutSeconds", "10m", apiserver="must be of type integer", types="valid integer"),
    request("maxAttempts", 11, apiserver="less than or equal to 10", types="less than or equal to 10"),
    request("gate", {"failOn": "severe"}, apiserver='Unsupported value: "severe"', types="'critical'"),
    request("gate", {}, apiserver="gate.failOn: Required value", types="Field required"),
    request("ttlSecondsAfterFinished", -1, "greater than or equal to 0"),
    request("timeout", 60, apiserver='unknown field "spec.timeout"', types="Extra inputs"),
    # Schedules.
    schedule("schedule", "@daily", CRON),
    schedule("schedule", "0 0 * *", CRON),
    schedule("schedule", "60 0 * * *", CRON),
    schedule("schedule", "0 24 * * *", CRON),
    schedule("schedule", "0 0 0 * *", CRON),
    schedule("schedule", "0 0 * 13 *", CRON),
    schedule("schedule", "0 0 * * 8", CRON),
    schedule("schedule", "TZ=UTC 0 0 * * *", CRON),
    schedule("timeZone", "Europe/Nowhere", ZONE),
    schedule("timeZone", "Local", ZONE),
    schedule("timeZone", "../etc/passwd", ZONE),
    schedule("timeZone", "+02:00", ZONE),
    schedule("concurrencyPolicy", "Queue", apiserver='supported values: "Allow", "Forbid", "Replace"', types="'Allow'"),
    schedule("startingDeadlineSeconds", 5, "greater than or equal to 10"),
    schedule("successfulRunsHistoryLimit", 101, "less than or equal to 100"),
    schedule("scanTemplate.spec.cancel", True, "must not be true in a template"),
    schedule("scanTemplate.spec.targets", [{}], ONE_OF),
    schedule("scanTemplate", ..., apiserver="spec.scanTemplate: Required value", types="Field required"),
    # Policies.
    policy("allowedTargets.cidrs", ["10.0.0.1/8"], CIDR),
    policy("allowedTargets.cidrs", ["10.0.0.1"], CIDR),
    policy("allowedTargets.cidrs", ["10.0.0.0/33"], CIDR),
    policy("allowedTargets.cidrs", ["10.0.0.0/255.0.0.0"], CIDR),
    policy("allowedTargets.cidrs", ["10.0.0.0/08"], CIDR),
    policy("allowedTargets.cidrs", ["localhost"], CIDR),
    policy("allowedTargets.cidrs", ["::ffff:10.0.0.0/104"], CIDR),
    policy("allowedTargets.cidrs", ["10.0.0.0/8", "10.0.0.0/8"], "Duplicate value"),
    policy("allowedTargets.domainSuffixes", ["*.shop.example"], DOMAIN),
    policy("allowedTargets.domainSuffixes", [".shop.example"], DOMAIN),
    policy("allowedTargets.domainSuffixes", ["https://shop.example"], DOMAIN),
    policy("allowedTargets.domainSuffixes", ["10.0.0.1"], DOMAIN),
    policy("allowedTargets.urlPrefixes", ["shop.example/app"], HTTP),
    policy("allowedTargets.urlPrefixes", ["https://shop.example/app?x=1"], "must not contain ? or #"),
    policy("allowedTargets.repositoryPrefixes", ["git.example/team"], "must begin with https://, ssh:// or git://"),
    policy("allowedTargets.ranges", ["10.0.0.0/8"], apiserver="unknown field", types="Extra inputs"),
    policy("maxActiveScans", -1, "greater than or equal to 0"),
    policy("maxJobsPerScan", 0, "greater than or equal to 1"),
    policy("maxPriority", "high", apiserver='Unsupported value: "high"', types="'interactive'"),
    policy("scanners", ["nmap", "nmap"], "Duplicate value"),
    # The catalogue.
    scanner("title", "", apiserver="at least 1 chars", types="at least 1 character"),
    scanner("targetTypes", [], apiserver="at least 1 items", types="at least 1 item"),
    scanner("targetTypes", ["website"], apiserver='Unsupported value: "website"', types="'url', 'host'"),
    scanner("targetTypes", ["host", "host"], "Duplicate value"),
    scanner("command", "/usr/bin/nmap", "must be a program's name without folder or arguments"),
    scanner("command", "nmap -sV", "must be a program's name without folder or arguments"),
    scanner("command", "-nmap", "must be a program's name without folder or arguments"),
    scanner("parametersSchema.type", "array", CLOSED),
    scanner("parametersSchema.additionalProperties", True, CLOSED),
    scanner("parametersSchema", {"properties": {}}, CLOSED),
    scanner("arguments.3.values", ["{target.host"], BRACES),
    scanner("arguments.3.values", ["{environ.HOME}"], BRACES),
    scanner("arguments.3.values", ["{}"], BRACES),
    scanner("arguments.3.values", [], apiserver="at least 1 items", types="at least 1 item"),
    scanner("arguments.3.values", ["{item}"], "{item} in values and forEach belong together"),
    scanner("arguments.1.values", ["--script"], "{item} in values and forEach belong together"),
    scanner("arguments.1.forEach", "target.ports", "must be parameters.NAME"),
    scanner("arguments.2.when", "ipv6", "must be parameters.NAME or target.FIELD"),
    scanner("output.format", "csv", apiserver='Unsupported value: "csv"', types="'nmap-xml'"),
    scanner("output.source", "stdout", "output.source must be file exactly if an argument holds {output}"),
    scanner("exitCodes.success", [256], "less than or equal to 255"),
    scanner("exitCodes.failures", {"256": "TimedOut"}, "keys must be exit codes from 0 to 255"),
    scanner("exitCodes.failures", {"abc": "TimedOut"}, "keys must be exit codes from 0 to 255"),
    scanner("exitCodes.failures", {"1": "TimedOut"}, "a code must not be both success and failure"),
    scanner(
        "exitCodes.failures", {"7": "Cancelled"}, apiserver='Unsupported value: "Cancelled"', types="must be one of"
    ),
    scanner("environment", {"A B": "x"}, "keys must be names of environment variables"),
    scanner("limits.memoryMib", 1, "greater than or equal to 64"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
async def test_the_apiserver_refuses_a_mistake_and_says_what_is_wrong(mistake: Mistake, kubectl: Kubectl) -> None:
    with pytest.raises(StackError) as refusal:
        await kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(mistake.manifest))
    assert (mistake.says or mistake.apiserver) in str(refusal.value)


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_the_types_refuse_the_same_mistake_with_the_same_words(mistake: Mistake) -> None:
    with pytest.raises(ValidationError) as refusal:
        KINDS[mistake.kind].model_validate(mistake.manifest)
    assert (mistake.says or mistake.types) in str(refusal.value)
