"""Each identity may do what its component does and nothing else, by the word of a real apiserver."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from rendering import FULLNAME, NAMESPACE, Object, Rendering, manifest
from secapi_dev import paths
from secapi_dev.controlplane.installation import RBAC
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.errors import StackError

Rights = set[tuple[str, str, str]]

KINDS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
SCANNERS = {path.stem for path in paths.CATALOGUE.glob("*.yaml")}
ELSEWHERE = "default"


@pytest.fixture(scope="module")
async def installed(cluster: Kubectl, renderings: Mapping[str, Rendering]) -> Kubectl:
    """kubectl for a cluster with the identities and rights of the smallest installation."""
    objects = renderings["external"].kind(*KINDS)
    await cluster("apply", "--server-side", "-f", "-", stdin=manifest(*objects))
    return cluster


def rules(*roles: Object) -> Rights:
    """API group, resource and verb of each thing that the roles allow."""
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def rights(kubectl: Kubectl, account: str, namespace: str) -> Rights:
    """All that a ServiceAccount of the release may do in a namespace."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    command = ("create", "--validate=false", "-o", "json", "-f", "-", *identity(account))
    status = json.loads(await kubectl(*command, stdin=json.dumps(review)))["status"]
    assert not status["incomplete"]
    return rules({"rules": status["resourceRules"]})


def identity(account: str) -> tuple[str, ...]:
    """Options of kubectl to act as a ServiceAccount of the release."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated")
    user = f"system:serviceaccount:{NAMESPACE}:{FULLNAME}-{account}"
    return (f"--as={user}", *(f"--as-group={group}" for group in groups))


def local(component: str) -> list[Object]:
    """The roles that the local stack gives a component."""
    documents = yaml.safe_load_all((RBAC / f"{component}.yaml").read_text())
    return [document for document in documents if document["kind"] in ("ClusterRole", "Role")]


@pytest.mark.parametrize("component", ["api", "operator"])
@pytest.mark.parametrize("kind", ["ClusterRole", "Role"])
def test_rules_are_those_of_the_local_stack(component: str, kind: str, external: Rendering) -> None:
    owners = {"api": {"api"}, "operator": {"operator", "catalogue"}}[component]
    rendered = [role for role in external.kind(kind) if role["metadata"]["name"].removeprefix(f"{FULLNAME}-") in owners]
    assert rules(*rendered) == rules(*(role for role in local(component) if role["kind"] == kind))


@pytest.mark.parametrize("place", [NAMESPACE, ELSEWHERE])
@pytest.mark.parametrize("account", ["api", "operator", "worker"])
async def test_an_identity_has_exactly_its_rights(
    account: str, place: str, installed: Kubectl, external: Rendering
) -> None:
    names = {"api": ["api"], "operator": ["operator", "catalogue"], "worker": []}[account]
    expected = rules(*(external.one("ClusterRole", name) for name in names))
    if account == "operator" and place == NAMESPACE:
        expected |= rules(external.one("Role", "operator"))
    everybody = await rights(installed, "nobody", place)
    assert await rights(installed, account, place) == everybody | expected


@pytest.mark.parametrize("account", ["api", "operator", "worker"])
async def test_an_identity_may_not(account: str, installed: Kubectl) -> None:
    questions = [
        ["get", "secrets", "-n", NAMESPACE],
        ["list", "secrets", "--all-namespaces"],
        ["create", "pods", "-n", NAMESPACE],
        ["create", "pods/exec", "-n", NAMESPACE],
        ["list", "nodes"],
        ["patch", "deployments.apps", "-n", NAMESPACE],
        ["delete", "leases.coordination.k8s.io", "-n", NAMESPACE],
        ["update", "leases.coordination.k8s.io/of-another", "-n", NAMESPACE],
        ["get", "leases.coordination.k8s.io", "-n", ELSEWHERE],
        ["create", "serviceaccounts/token", "-n", NAMESPACE],
        ["patch", "scanpolicies.secapi.dev", "-n", ELSEWHERE],
        ["deletecollection", "scanners.secapi.dev"],
        ["update", "scanschedules.secapi.dev", "--subresource=status", "-n", ELSEWHERE],
        ["patch", "scanners.secapi.dev/somebody-elses"],
        ["patch", "customresourcedefinitions.apiextensions.k8s.io"],
        ["bind", "clusterroles.rbac.authorization.k8s.io"],
        ["impersonate", "users"],
    ]
    answers = await asyncio.gather(*(can(installed, account, question) for question in questions))
    assert [question for question, allowed in zip(questions, answers, strict=True) if allowed] == []


@pytest.mark.parametrize("account", ["operator", "worker"])
@pytest.mark.parametrize("resource", ["scanschedules", "scanpolicies", "scanners"])
@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_only_the_api_changes_what_people_decide(
    account: str, resource: str, verb: str, installed: Kubectl
) -> None:
    question = [verb, f"{resource}.secapi.dev", "-n", ELSEWHERE]
    assert await can(installed, "api", question)
    assert not await can(installed, account, question)


async def can(kubectl: Kubectl, account: str, question: list[str]) -> bool:
    try:
        return (await kubectl("auth", "can-i", *question, *identity(account))).strip() == "yes"
    except StackError:
        return False


async def test_the_operator_applies_the_built_in_scanners_and_no_others(installed: Kubectl) -> None:
    apply = ("apply", "--server-side", "--field-manager=secapi-catalogue", "--force-conflicts", *identity("operator"))
    try:
        applied = await installed(*apply, "-f", paths.CATALOGUE)
        assert applied.count("serverside-applied") == len(SCANNERS)
        other = yaml.safe_load((paths.CATALOGUE / "nmap.yaml").read_text())
        other["metadata"]["name"] = "somebody-elses"
        with pytest.raises(StackError, match="Forbidden"):
            await installed(*apply, "-f", "-", stdin=manifest(other))
    finally:
        await installed("delete", "--ignore-not-found", "-f", paths.CATALOGUE)


def test_the_catalogue_is_all_of_the_built_in_scanners(external: Rendering) -> None:
    configured = external.one("ConfigMap", "catalogue")["data"]
    assert configured == {path.name: path.read_text() for path in paths.CATALOGUE.glob("*.yaml")}
    [rule] = external.one("ClusterRole", "catalogue")["rules"]
    assert set(rule["resourceNames"]) == SCANNERS


def test_only_who_talks_to_kubernetes_has_a_token(renderings: Mapping[str, Rendering]) -> None:
    for rendering in renderings.values():
        for account in rendering.kind("ServiceAccount"):
            assert account["automountServiceAccountToken"] is False
        for pod in rendering.pods():
            component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            assert pod["spec"]["automountServiceAccountToken"] is (component in ("api", "operator"))


@pytest.mark.parametrize("role", ["view", "edit"])
def test_peoples_roles_become_part_of_the_clusters(role: str, external: Rendering) -> None:
    labels = external.one("ClusterRole", role)["metadata"]["labels"]
    aggregated = {name.rpartition("-")[2] for name in labels if "aggregate-to" in name}
    assert aggregated == {"view": {"view", "edit", "admin"}, "edit": {"edit", "admin"}}[role]


def test_editors_neither_decide_what_may_be_scanned_nor_what_is_run(external: Rendering) -> None:
    written: set[Any] = {resource for _, resource, _ in rules(external.one("ClusterRole", "edit"))}
    assert written == {"scanrequests", "scanschedules"}
