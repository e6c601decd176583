"""Two tenants that have one of everything each, and whose ids are given to the other one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from api_harness import Api
from kept_kinds import POLICIES, SCHEDULES
from ledger_factories import claimed, dead_letter, finish, make_findings, make_scan, planned_scan

_LISTS = ("/v1/scans", "/v1/dead-letters", "/v1/api-keys", "/v1/memberships", "/v1/schedules", "/v1/policies")
ARCHIVE = b"an archive, as far as uploading it goes"


@dataclass
class Tenant:
    """A namespace, the key of its administrator, and what is in it: ids by the name of the path parameter."""

    namespace: str
    key: str
    ids: dict[str, list[str]] = field(default_factory=dict)

    @property
    def marks(self) -> list[str]:
        """What shows in an answer that the answer is about this tenant."""
        own = [self.ids[name] for name in ("scanId", "deadLetterId", "keyId", "membershipId")]
        return [self.namespace, *(each for ids in own for each in ids)]


async def furnished(api: Api, namespace: str) -> Tenant:
    """The tenant of a namespace that exists, with scans in every state and one thing of each other kind."""
    tenant = Tenant(namespace, await api.key("admin", namespace))
    platform = await api.client("admin", None)
    database = api.owner
    scans = [make_scan(namespace, scanners=[{"name": "web"}]) for _ in range(4)]
    queued, running, done, dead = scans
    await planned_scan(database, scan=queued, scanner="web", parameters={})
    await claimed(database, (await planned_scan(database, scan=running, scanner="web", parameters={}))[0])
    job = await claimed(database, (await planned_scan(database, scan=done, scanner="web", parameters={}))[0])
    await finish(database, job, make_findings(range(5), target=namespace))
    letters = [await dead_letter(database, scan=dead, scanner="web", parameters={})]
    letters += [await dead_letter(database, scan=make_scan(namespace), scanner="web", parameters={}) for _ in range(2)]
    user = await _made(platform, "/v1/users", {"email": f"somebody@{namespace}.example", "name": "Somebody"})
    member = {"userId": user["id"], "namespace": namespace, "role": "viewer"}
    for kind in (SCHEDULES, POLICIES):
        # The other spec of a policy: with a quota, one case after the other would hear of nothing else.
        body = kind.body(namespace, f"{kind.noun}-of-{namespace}") | {"spec": dict(kind.other)}
        await _made(platform, kind.path, body)
    uploaded = await platform.post("/v1/artifacts", params={"namespace": namespace}, content=ARCHIVE)
    tenant.ids = {
        "scanId": [str(scan.id) for scan in scans],
        "deadLetterId": [str(letter) for letter in letters],
        "keyId": [
            (await _made(platform, "/v1/api-keys", {"name": "spare", "namespace": namespace, "role": "viewer"}))["id"]
            for _ in range(3)
        ],
        "userId": [user["id"]],
        "membershipId": [(await _made(platform, "/v1/memberships", member))["id"]],
        "digest": [uploaded.json()["digest"]],
        "name": [f"{kind.noun}-of-{namespace}" for kind in (SCHEDULES, POLICIES)],
    }
    return tenant


async def everything_of(api: Api, tenant: Tenant) -> dict[str, Any]:
    """All that the tenant's administrator is shown, by path."""
    own = await api.client("admin", tenant.namespace)
    named = {"namespace": tenant.namespace}
    shown = {path: (await own.get(path, params=named)).json() for path in _LISTS}
    shown["/v1/api-keys"] = [each for each in shown["/v1/api-keys"]["items"] if each["id"] in tenant.ids["keyId"]]
    for scan in tenant.ids["scanId"]:
        for path in (f"/v1/scans/{scan}", f"/v1/scans/{scan}/jobs", f"/v1/scans/{scan}/findings"):
            shown[path] = (await own.get(path)).json()
    return shown


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def mixed(tenants: Sequence[Tenant]) -> dict[str, list[str]]:
    """The ids of all of them, by the name of the path parameter."""
    return {name: [each for tenant in tenants for each in tenant.ids[name]] for name in tenants[0].ids}
