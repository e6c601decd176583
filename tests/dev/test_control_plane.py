"""The embedded Kubernetes API server: who may do what, and what the audit log says afterwards."""

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from secapi_dev import paths
from secapi_dev.controlplane import installation
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.errors import StackError

READ = {"get", "list", "watch"}
KEEP = {"get", "list", "create", "update", "delete"}

# (API group, resource) → verbs, in all namespaces.
OPERATOR_RIGHTS = {
    ("secapi.dev", "scanrequests"): READ | {"create", "delete"},
    ("secapi.dev", "scanrequests/status"): {"update"},
    ("secapi.dev", "scanpolicies"): READ,
    ("secapi.dev", "scanners"): READ | {"create", "patch"},
    ("secapi.dev", "scanschedules"): READ,
}
OPERATOR_RIGHTS_AT_HOME = {("coordination.k8s.io", "leases"): {"get", "create", "update"}}
API_RIGHTS = {
    ("secapi.dev", "scanrequests"): READ | {"create", "patch", "delete"},
    ("secapi.dev", "scanschedules"): KEEP,
    ("secapi.dev", "scanpolicies"): KEEP,
    ("secapi.dev", "scanners"): KEEP,
    ("authentication.k8s.io", "tokenreviews"): {"create"},
    ("authorization.k8s.io", "subjectaccessreviews"): {"create"},
}

Rights = dict[tuple[str, str], set[str]]


@pytest.fixture
def as_operator(control_plane: ControlPlane, operator_kubeconfig: Path) -> Kubectl:
    return Kubectl(control_plane.binaries.kubectl, operator_kubeconfig)


@pytest.fixture
def as_api(control_plane: ControlPlane, api_kubeconfig: Path) -> Kubectl:
    return Kubectl(control_plane.binaries.kubectl, api_kubeconfig)


@pytest.fixture
async def everybody(kubectl: Kubectl, control_plane: ControlPlane, namespace: str) -> Rights:
    """What any authenticated identity may do."""
    name = f"stranger-in-{namespace}"
    await kubectl("create", "serviceaccount", name, "-n", installation.NAMESPACE)
    kubeconfig = await installation.write_identity(kubectl, name, control_plane.directory / "stranger.kubeconfig")
    return await rights(Kubectl(kubectl.program, kubeconfig), namespace)


async def rights(kubectl: Kubectl, namespace: str) -> Rights:
    """The server's own answer to what the identity may do in a namespace."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    command = ("create", "--validate=false", "-o", "json", "-f", "-")
    status = json.loads(await kubectl(*command, stdin=json.dumps(review)))["status"]
    assert not status["incomplete"]
    found: Rights = {}
    for rule in status["resourceRules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def audit_events(control_plane: ControlPlane) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in control_plane.audit_log.read_text().splitlines())


async def test_the_operator_has_exactly_its_rights(as_operator: Kubectl, namespace: str, everybody: Rights) -> None:
    assert await rights(as_operator, namespace) == everybody | OPERATOR_RIGHTS


async def test_the_operator_has_leases_in_its_own_namespace(as_operator: Kubectl, everybody: Rights) -> None:
    at_home = await rights(as_operator, installation.NAMESPACE)
    assert at_home == everybody | OPERATOR_RIGHTS | OPERATOR_RIGHTS_AT_HOME


@pytest.mark.parametrize("place", ["elsewhere", installation.NAMESPACE])
async def test_the_api_has_exactly_its_rights(as_api: Kubectl, place: str, namespace: str, everybody: Rights) -> None:
    assert await rights(as_api, namespace if place == "elsewhere" else place) == everybody | API_RIGHTS


@pytest.mark.parametrize(
    "what",
    [
        ["get", "secrets", "--all-namespaces"],
        ["patch", "scanrequests.secapi.dev", "--all-namespaces"],
        ["delete", "scanners.secapi.dev"],
        ["delete", "leases.coordination.k8s.io", "-n", installation.NAMESPACE],
        ["create", "serviceaccounts/token", "-n", installation.NAMESPACE],
        ["impersonate", "users"],
        ["bind", "clusterroles.rbac.authorization.k8s.io"],
    ],
    ids=" ".join,
)
async def test_the_operator_may_not(what: list[str], as_operator: Kubectl, kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", *what)).strip() == "yes"
    with pytest.raises(StackError, match=r"failed: (Warning: .*)?$"):  # "no" is an exit code, not a complaint
        await as_operator("auth", "can-i", *what)


async def test_a_component_is_refused_what_it_has_no_right_to(as_api: Kubectl, as_operator: Kubectl) -> None:
    for component in (as_api, as_operator):
        with pytest.raises(StackError, match="Forbidden"):
            await component("get", "secrets", "-n", installation.NAMESPACE)


async def test_a_token_lasts_for_days(operator_kubeconfig: Path) -> None:
    token = yaml.safe_load(operator_kubeconfig.read_text())["users"][0]["user"]["token"]  # noqa: ASYNC240 - a small file
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == "system:serviceaccount:secapi-system:secapi-operator"
    assert claims["exp"] - claims["iat"] >= 24 * 3600


async def test_kubeconfigs_are_for_their_owner_only(
    control_plane: ControlPlane, operator_kubeconfig: Path, api_kubeconfig: Path
) -> None:
    for path in (control_plane.admin_kubeconfig, operator_kubeconfig, api_kubeconfig):
        assert path.stat().st_mode & 0o077 == 0


async def test_the_audit_log_has_one_line_for_every_write(
    kubectl: Kubectl, namespace: str, control_plane: ControlPlane
) -> None:
    await kubectl("create", "configmap", "audited", "-n", namespace)
    await kubectl("get", "configmap", "audited", "-n", namespace)
    await kubectl("annotate", "configmap", "audited", "-n", namespace, "one=two")
    await kubectl("delete", "configmap", "audited", "-n", namespace)
    lines = [
        (event["user"]["username"], event["verb"], event["objectRef"]["resource"], event["objectRef"]["name"])
        for event in audit_events(control_plane)
        if event["objectRef"].get("namespace") == namespace
    ]
    assert lines == [("secapi-dev-admin", verb, "configmaps", "audited") for verb in ("create", "patch", "delete")]


async def test_the_audit_log_has_no_reads_no_questions_and_no_contents(
    kubectl: Kubectl, as_operator: Kubectl, control_plane: ControlPlane
) -> None:
    await kubectl("get", "namespaces")
    await as_operator("auth", "whoami")
    with pytest.raises(StackError, match="Forbidden"):
        await as_operator("get", "secrets")
    events = list(audit_events(control_plane))
    assert {event["verb"] for event in events} <= {"create", "update", "patch", "delete", "deletecollection"}
    assert not [event for event in events if event["objectRef"]["resource"].endswith("reviews")]
    assert {event["stage"] for event in events} == {"ResponseComplete"}
    assert not [event for event in events if "requestObject" in event or "responseObject" in event]


async def test_a_new_resource_type_is_served_when_the_installation_returns(
    kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "widgets.yaml").write_text(WIDGETS)
    monkeypatch.setattr(paths, "CRDS", tmp_path)
    for _ in range(2):
        await installation.install_types(kubectl)
        assert await kubectl("get", "widgets", "-o", "name") == ""


WIDGETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.secapi.dev}
spec:
  group: test.secapi.dev
  scope: Cluster
  names: {kind: Widget, plural: widgets}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


def test_its_certificate_satisfies_a_strict_client(control_plane: ControlPlane) -> None:
    authority = control_plane.directory / "pki" / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13's default
    assert httpx.get(f"{control_plane.url}/version", verify=context).status_code == httpx.codes.OK
