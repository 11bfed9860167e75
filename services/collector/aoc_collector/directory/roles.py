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
from aoc_common.contracts.directory import key
from aoc_common.errors import Refused
from aoc_common.store.directories import HeldRoles, Sighting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from aoc_collector.microsoft.api import Api
    from aoc_collector.microsoft.paging import Page

_MAX_PAGES: Final = 1_000
_ROOT: Final = "/v1.0/roleManagement/directory"

#: Roles that Microsoft labels as privileged (entra-docs, permissions-reference.md of 2026-01-20): template id -> name.
#: v1.0 of the API does not say it (`isPrivileged` is in beta), so custom roles count as not privileged.
_PRIVILEGED_BY_MICROSOFT: Final = {
    "db506228-d27e-4b7d-95e5-295956d6615f": "Agent ID Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "cf1c38e5-3621-4004-a7cb-879624dced7c": "Application Developer",
    "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe": "Attribute Provisioning Administrator",
    "422218e4-db15-4ef9-bbe0-8afb41546d79": "Attribute Provisioning Reader",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
    "25a516ed-2fa0-40ea-a2d0-12923a21473a": "Authentication Extensibility Administrator",
    "aaf43236-0c0d-4d5f-883a-6955382ac081": "B2C IEF Keyset Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "7698a772-787b-4ac8-901f-60d6b08affd2": "Cloud Device Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "9360feb5-f418-4baa-8175-e2a00bac4301": "Directory Writers",
    "8329153b-31d0-4727-b945-745eb3bc5f31": "Domain Name Administrator",
    "be2f45a1-457d-42af-a067-6ec1fa63bc45": "External Identity Provider Administrator",
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
    "3a2c62db-5318-420d-8d74-23affee5d9d5": "Intune Administrator",
    "59d46f88-662b-457b-bceb-5c3809e5908f": "Lifecycle Workflows Administrator",
    "4ba39ca4-527c-499a-b93d-d9b492c50246": "Partner Tier1 Support",
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8": "Partner Tier2 Support",
    "966707d0-3269-4727-9be2-8c3a10f19b9d": "Password Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f": "Security Operator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
}
#: Ours: Microsoft does not label these, but they reach all mail, all files, or the subscriptions of the organisation.
_PRIVILEGED_BY_US: Final = {
    "b0f54661-2d74-4c50-afa3-1ec803f12efe": "Billing Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
}
PRIVILEGED: Final[Mapping[str, str]] = _PRIVILEGED_BY_MICROSOFT | _PRIVILEGED_BY_US


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
