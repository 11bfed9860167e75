"""Directory objects: delta queries, role definitions and assignments, members of groups.

Sources: graph-docs, delta-query-overview.md; user-delta.md, group-delta.md, serviceprincipal-delta.md, device-delta.md,
directoryrole-list.md, rbacapplication-list-roledefinitions.md, rbacapplication-list-roleassignments.md,
group-list-transitivemembers.md; throttling-identity-and-access.md (costs of requests).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.routing import Route

from aoc_sim.clock import seconds
from aoc_sim.graph import errors
from aoc_sim.graph.gate import Needs
from aoc_sim.graph.query import Seal, invalid_skiptoken
from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.graph.gate import Admitted, Gate
    from aoc_sim.records.base import Json
    from aoc_sim.register import Item, Name, Register

_DENIED = "Authorization_RequestDenied"
_TOKENS = frozenset({"$skiptoken", "$deltatoken"})


def _needs(*permissions: str) -> Needs:
    return Needs("graph_directory", permissions, _DENIED, limit="ReadWrite")


@dataclass(frozen=True, slots=True)
class Objects:
    """A collection, what it needs, and the properties that `$select` may name; `id` is always shown."""

    path: str
    name: Name
    needs: Needs
    properties: frozenset[str] = frozenset()


_ROLES = _needs("RoleManagement.Read.Directory", "RoleManagement.Read.All", "Directory.Read.All")
_GROUPS = _needs("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")

DELTAS = (
    Objects(
        "users/delta",
        "users",
        _needs("User.Read.All", "Directory.Read.All"),
        frozenset(
            {
                *("displayName", "userPrincipalName", "userType", "accountEnabled", "department", "jobTitle", "mail"),
                *("assignedLicenses", "onPremisesSyncEnabled", "onPremisesSecurityIdentifier", "createdDateTime"),
            }
        ),
    ),
    Objects("groups/delta", "groups", _GROUPS, frozenset({"displayName", "description", "mail", "groupTypes"})),
    Objects(
        "servicePrincipals/delta",
        "servicePrincipals",
        _needs("Application.Read.All", "Directory.Read.All"),
        frozenset({"displayName", "appId", "accountEnabled", "servicePrincipalType", "appOwnerOrganizationId"}),
    ),
    # the only collection whose page does not name Directory.Read.All
    Objects(
        "devices/delta",
        "devices",
        _needs("Device.Read.All"),
        frozenset({"displayName", "deviceId", "accountEnabled", "operatingSystem", "isCompliant", "trustType"}),
    ),
)
LISTS = (
    Objects("directoryRoles", "directoryRoles", _ROLES),
    Objects(
        "roleManagement/directory/roleDefinitions",
        "roleDefinitions",
        _ROLES,
        frozenset({"displayName", "templateId", "isBuiltIn"}),
    ),
    Objects(
        "roleManagement/directory/roleAssignments",
        "roleAssignments",
        _ROLES,
        frozenset({"roleDefinitionId", "principalId", "directoryScopeId"}),
    ),
)
_MEMBERS_COST, _SELECT_SAVES = 5, 1


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a reading stands. A token holds all of it.

    `since`: only what changed after this version (None: all that is there); `as_of`: the version at its first page,
    from which the next reading goes on; `after`: the place of the last object that was served.
    """

    path: str
    tenant: str
    epoch: int
    select: str | None
    since: int | None
    as_of: int
    issued_us: int
    after: int = 0


class DirectoryObjects:
    """The directory objects of Graph. Tokens end with the process, as an expired one does: its versions are its own."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._world = gate.world
        self._pages = gate.settings.pages
        self._seal = Seal(f"directory:{gate.settings.seed}")
        self._epoch = gate.world.now_us()

    def routes(self) -> list[Route]:
        """The routes, v1.0 only."""
        guarded = self._gate.guarded
        members = "/v1.0/groups/{id}/transitiveMembers"
        return [
            *(Route(f"/v1.0/{query.path}", guarded(self._delta(query)), methods=["GET"]) for query in DELTAS),
            *(Route(f"/v1.0/{query.path}", guarded(self._list(query)), methods=["GET"]) for query in LISTS),
            Route(members, guarded(self.members), methods=["GET"]),
        ]

    def _delta(self, objects: Objects) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            admitted = await self._gate.admit(request, objects.needs)
            options = dict(request.query_params)
            reading = self._delta_reading(request, objects, admitted, options)
            items = self._in_order(objects, admitted.tenant.register, reading)
            sparse = reading.since is not None and self._world.dice.strikes("sparse_delta")
            page, more = self._cut(items)
            value = [_row(item, reading, sparse=sparse) for item in page]
            head = self._head(request, objects.name)
            if more:
                after = reading.after if not page else page[-1].born if reading.since is None else page[-1].changed
                head |= self._link(request, "nextLink", "$skiptoken", replace(reading, after=after))
            else:
                head |= self._link(request, "deltaLink", "$deltatoken", replace(reading, since=reading.as_of, after=0))
            return json_answer(head | {"value": value}, headers=admitted.headers())

        return handle

    def _list(self, objects: Objects) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            admitted = await self._gate.admit(request, objects.needs)
            options = dict(request.query_params)
            reading = self._list_reading(objects, admitted, options)
            register = admitted.tenant.register
            items = (item for item in register.there(objects.name) if reading.after < item.born <= reading.as_of)
            page, more = self._cut(items)
            head = self._head(request, objects.path)
            if more:
                after = page[-1].born if page else reading.after
                head |= self._link(request, "nextLink", "$skiptoken", replace(reading, after=after))
            value = [_row(item, reading, sparse=False) for item in page]
            return json_answer(head | {"value": value}, headers=admitted.headers())

        return handle

    async def members(self, request: Request) -> Response:
        """Everybody in a group. No group here is in another."""
        cost = _MEMBERS_COST - (_SELECT_SAVES if "$select" in request.query_params else 0)
        admitted = await self._gate.admit(request, _GROUPS, cost=cost)
        register = admitted.tenant.register
        group = register.find("groups", request.path_params["id"])
        if group is None:
            raise errors.not_found(request.path_params["id"])
        value = [{"@odata.type": "#microsoft.graph.user", "id": member} for member in register.members(group.id)]
        return json_answer(self._head(request, "directoryObjects") | {"value": value}, headers=admitted.headers())

    def _delta_reading(
        self, request: Request, objects: Objects, admitted: Admitted, options: Mapping[str, str]
    ) -> Reading:
        skip, delta = options.get("$skiptoken"), options.get("$deltatoken")
        if skip:
            return self._continued(skip, objects, admitted)
        if not delta:
            return self._first(objects, admitted, options)
        reading = self._known(delta, objects, admitted)
        lifetime_us = seconds(self._pages.deltatoken_lifetime_s)
        now_us = self._world.now_us()
        start = f"{self._gate.base(request)}/v1.0/{objects.path}?$deltatoken="
        if reading is None or now_us - reading.issued_us > lifetime_us:
            raise errors.gone("syncStateNotFound", start)
        if self._world.dice.strikes("expired_deltatoken"):
            raise errors.gone("resyncRequired", start)
        return replace(reading, as_of=admitted.tenant.register.version, issued_us=now_us)

    def _list_reading(self, objects: Objects, admitted: Admitted, options: Mapping[str, str]) -> Reading:
        skip = options.get("$skiptoken")
        return self._continued(skip, objects, admitted) if skip else self._first(objects, admitted, options)

    def _first(self, objects: Objects, admitted: Admitted, options: Mapping[str, str]) -> Reading:
        allowed = _TOKENS | ({"$select", "$top"} if objects.properties else set())
        if unknown := [name for name in options if name not in allowed]:
            raise errors.bad_request(f"Query option '{unknown[0]}' is not allowed.")
        select = options.get("$select")
        for name in select.split(",") if select else ():
            if name not in {"id", *objects.properties}:
                raise errors.bad_request(f"Could not find a property named '{name}' on type '{objects.name}'.")
        tenant = admitted.tenant
        return Reading(
            path=objects.path,
            tenant=tenant.settings.tenant_id,
            epoch=self._epoch,
            select=select,
            since=None,
            as_of=tenant.register.version,
            issued_us=self._world.now_us(),
        )

    def _continued(self, token: str, objects: Objects, admitted: Admitted) -> Reading:
        reading = self._known(token, objects, admitted)
        now_us = self._world.now_us()
        if reading is None or now_us - reading.issued_us > seconds(self._pages.skiptoken_lifetime_s):
            raise invalid_skiptoken()
        if self._world.dice.strikes("broken_skiptoken"):
            raise invalid_skiptoken()
        return replace(reading, issued_us=now_us)

    def _known(self, token: str, objects: Objects, admitted: Admitted) -> Reading | None:
        """The reading in a token of this process, collection and tenant."""
        fields = self._seal.open(token)
        if fields is None:
            return None
        reading = Reading(**fields)
        own = (objects.path, admitted.tenant.settings.tenant_id, self._epoch)
        return reading if (reading.path, reading.tenant, reading.epoch) == own else None

    @staticmethod
    def _in_order(objects: Objects, register: Register, reading: Reading) -> Iterator[Item]:
        """The objects after the last page. What changes meanwhile is told by the next reading."""
        if reading.since is None:
            return (item for item in register.there(objects.name) if reading.after < item.born <= reading.as_of)
        start = max(reading.since, reading.after)
        return (item for item in register.since(objects.name, start) if item.changed <= reading.as_of)

    def _cut(self, items: Iterator[Item]) -> tuple[list[Item], bool]:
        """A page and whether there is more; with the empty-page fault nothing, and more."""
        if self._world.dice.strikes("empty_page"):
            return [], True
        self._world.pages_served += 1
        page = list(islice(items, self._pages.directory + 1))
        return page[: self._pages.directory], len(page) > self._pages.directory

    def _head(self, request: Request, name: str) -> Json:
        return {"@odata.context": f"{self._gate.base(request)}/v1.0/$metadata#{name}"}

    def _link(self, request: Request, kind: str, option: str, reading: Reading) -> dict[str, Any]:
        options = urlencode({option: self._seal.close(reading)}, safe="$")
        return {f"@odata.{kind}": f"{self._gate.base(request)}/v1.0/{reading.path}?{options}"}


def _row(item: Item, reading: Reading, *, sparse: bool) -> Json:
    """An object in an answer."""
    if item.removed:
        return {"id": item.id, "@removed": {"reason": "changed"}}
    names = tuple(reading.select.split(",")) if reading.select else None
    return item.shown(names, reading.since if sparse else None)
