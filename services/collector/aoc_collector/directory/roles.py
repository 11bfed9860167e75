"""Directory roles and who holds them. No delta query covers assignments, so all are listed, a few requests a time.

Sources: graph-docs, rbacapplication-list-roledefinitions.md, rbacapplication-list-roleassignments.md,
directoryrole-list.md, group-list-transitivemembers.md.

One listing of the assignments is cheaper than one of each role's members, and knows scoped and custom roles.
Assignments that are active through Privileged Identity Management are among them, those that are only eligible are not.
Records name a role by the id of its definition, by that of its template (for a built-in role the same), or by that of
the directory role, which is there once the role was used.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from aoc_collector.microsoft.answers import array_elements, decode
from aoc_collector.microsoft.lenient_json import replace_invalid_utf8
from aoc_collector.microsoft.paging import follow
from aoc_common.contracts.built_in_roles import PRIVILEGED
from aoc_common.contracts.directory import key
from aoc_common.errors import Refused
from aoc_common.store.directories import HeldRoles, Sighting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from aoc_collector.microsoft.api import Api
    from aoc_collector.microsoft.paging import Page

_MAX_PAGES: Final = 1_000
_ROOT: Final = "/v1.0/roleManagement/directory"


class _Definition(msgspec.Struct, rename="camel"):
    id: str
    display_name: str | None = None
    template_id: str | None = None

    @property
    def privileged(self) -> bool:
        return key(self.template_id or self.id) in PRIVILEGED


class _DirectoryRole(msgspec.Struct, rename="camel"):
    id: str
    role_template_id: str | None = None


class _Assignment(msgspec.Struct, rename="camel"):
    role_definition_id: str
    principal_id: str


class _Member(msgspec.Struct):
    id: str


_DEFINITIONS: Final = msgspec.json.Decoder(list[_Definition])
_DIRECTORY_ROLES: Final = msgspec.json.Decoder(list[_DirectoryRole])
_ASSIGNMENTS: Final = msgspec.json.Decoder(list[_Assignment])
_MEMBERS: Final = msgspec.json.Decoder(list[_Member])

type Groups = Callable[[Sequence[str]], Awaitable[set[str]]]
"""Which of these object ids are groups."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles there are, and object id -> those that it holds, by itself or as a member of a group."""

    sightings: list[Sighting]
    held: dict[str, HeldRoles]


async def read_roles(api: Api, groups: Groups) -> Roles:
    """All roles and holders. Raises as `follow`, and as `groups`."""
    definitions = await _list(api, f"{_ROOT}/roleDefinitions?$select=id,displayName,templateId", _DEFINITIONS)
    # This one documents no query options.
    directory_roles = await _list(api, "/v1.0/directoryRoles", _DIRECTORY_ROLES)
    assignments = await _list(api, f"{_ROOT}/roleAssignments?$select=roleDefinitionId,principalId", _ASSIGNMENTS)
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for assignment in assignments:
        holders[key(assignment.principal_id)].add(key(assignment.role_definition_id))
    for group in sorted(await groups(list(holders))):
        for member in await _members(api, group):
            holders[member] |= holders[group]
    by_id = {key(definition.id): definition for definition in definitions}
    return Roles(
        _sightings(definitions, directory_roles), {object_id: _held(ids, by_id) for object_id, ids in holders.items()}
    )


def _sightings(definitions: Iterable[_Definition], directory_roles: Iterable[_DirectoryRole]) -> list[Sighting]:
    used = {key(role.role_template_id or ""): role.id for role in directory_roles}
    sightings = []
    for definition in definitions:
        template = definition.template_id or definition.id
        aliases = dict.fromkeys((template, used.get(key(template), template)))
        sightings.append(Sighting(definition.id, "role", {"name": definition.display_name, "aliases": tuple(aliases)}))
    return sightings


def _held(ids: Iterable[str], definitions: Mapping[str, _Definition]) -> HeldRoles:
    known = [definitions[role_id] for role_id in ids if role_id in definitions]
    names = {definition.display_name or definition.id for definition in known}
    return HeldRoles(tuple(sorted(names)), any(definition.privileged for definition in known))


async def _members(api: Api, group: str) -> list[str]:
    """The members of a group and of its nested groups; none when it was deleted."""
    try:
        members = await _list(api, f"/v1.0/groups/{group}/transitiveMembers?$select=id", _MEMBERS)
    except Refused as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return []
    return [key(member.id) for member in members]


async def _list[T](api: Api, path: str, decoder: msgspec.json.Decoder[list[T]]) -> list[T]:
    what = path.partition("?")[0]
    objects: list[T] = []
    url = f"{api.base}{path}"
    async for page in follow(api, url, what, lambda page: _decode(decoder, page, what), _MAX_PAGES):
        objects += page
    return objects


def _decode[T](decoder: msgspec.json.Decoder[list[T]], page: Page, what: str) -> list[T]:
    try:
        return decoder.decode(page.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        elements = b",".join(replace_invalid_utf8(bytes(element)) for element in array_elements(page.value, what))
        return decode(decoder, b"[" + elements + b"]", what)
