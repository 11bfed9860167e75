"""The delta queries for the kinds of directory entities: path, selected properties, and how objects are read.

Sources: graph-docs, user-delta.md, group-delta.md, serviceprincipal-delta.md, device-delta.md (all v1.0), and
delta-query-overview.md. `$select` limits what is tracked, too; `$top` is not supported and ignored.

A first reading leaves out properties that were never set. A later one holds "at least" those that changed, so what it
leaves out may be as it was. Objects that were removed hold their id and `@removed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from aoc_collector.microsoft.answers import array_elements
from aoc_collector.microsoft.lenient_json import replace_invalid_utf8
from aoc_common.store.directories import Facts, Sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_collector.microsoft.paging import Page
    from aoc_common.contracts.directory import EntityKind

type _Text = str | UnsetType | None
type _Flag = bool | UnsetType | None


class _Object(msgspec.Struct, rename="camel"):
    """What all directory objects have."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    display_name: _Text = UNSET
    account_enabled: _Flag = UNSET
    removed: msgspec.Raw | UnsetType = msgspec.field(default=UNSET, name="@removed")

    def facts(self) -> Facts:
        """The properties that this object has in the page."""
        facts: Facts = {}
        if self.display_name is not UNSET:
            facts["name"] = self.display_name
        if self.account_enabled is not UNSET:
            facts["enabled"] = self.account_enabled
        return facts


class _User(_Object, rename="camel"):
    user_principal_name: _Text = UNSET
    user_type: _Text = UNSET
    department: _Text = UNSET
    assigned_licenses: list[msgspec.Raw] | UnsetType | None = UNSET

    def facts(self) -> Facts:
        facts = _Object.facts(self)
        if self.user_principal_name is not UNSET:
            facts["upn"] = self.user_principal_name
        if self.user_type is not UNSET:
            facts["guest"] = None if self.user_type is None else self.user_type.casefold() == "guest"
        if self.department is not UNSET:
            facts["department"] = self.department
        if self.assigned_licenses is not UNSET:
            facts["licensed"] = bool(self.assigned_licenses)
        return facts


class _ServicePrincipal(_Object, rename="camel"):
    app_id: _Text = UNSET

    def facts(self) -> Facts:
        facts = _Object.facts(self)
        if self.app_id is not UNSET:
            facts["app_id"] = self.app_id
        return facts


class _Device(_Object, rename="camel"):
    device_id: _Text = UNSET

    def facts(self) -> Facts:
        facts = _Object.facts(self)
        if self.device_id is not UNSET:
            facts["aliases"] = (self.device_id,) if self.device_id else ()
        return facts


@dataclass(frozen=True, slots=True)
class DeltaQuery:
    """A kind, its delta query, and how an object is read."""

    kind: EntityKind
    path: str
    select: str
    read: Callable[[msgspec.Raw], _Object]

    def url(self, base: str) -> str:
        """The address of a reading from the beginning."""
        return f"{base}{self.path}?$select={self.select}"


DELTA_QUERIES: Final[Mapping[EntityKind, DeltaQuery]] = {
    query.kind: query
    for query in (
        DeltaQuery(
            "user",
            "/v1.0/users/delta",
            "displayName,userPrincipalName,userType,accountEnabled,department,assignedLicenses",
            msgspec.json.Decoder(_User).decode,
        ),
        DeltaQuery("group", "/v1.0/groups/delta", "displayName", msgspec.json.Decoder(_Object).decode),
        DeltaQuery(
            "service principal",
            "/v1.0/servicePrincipals/delta",
            "displayName,appId,accountEnabled",
            msgspec.json.Decoder(_ServicePrincipal).decode,
        ),
        DeltaQuery(
            "device",
            "/v1.0/devices/delta",
            "displayName,deviceId,accountEnabled",
            msgspec.json.Decoder(_Device).decode,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class DirectoryPage:
    """The objects of a page, each once. `unreadable`: why objects could not be read, one line each."""

    sightings: list[Sighting]
    removed: list[str]
    unreadable: list[str]
    delta_link: str | None


def read_page(query: DeltaQuery, page: Page) -> DirectoryPage:
    """Read a page. Raises `Unreachable` when it is no list of objects."""
    facts: dict[str, Facts | None] = {}
    unreadable: list[str] = []
    for raw in array_elements(page.value, query.path):
        try:
            entity = _read_entity(query, raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            unreadable.append(str(error))
            continue
        # An object that changed twice can be there twice; None is one that was removed.
        facts[entity.id] = None if entity.removed is not UNSET else (facts.get(entity.id) or Facts()) | entity.facts()
    return DirectoryPage(
        [
            Sighting(object_id, query.kind, properties)
            for object_id, properties in facts.items()
            if properties is not None
        ],
        [object_id for object_id, properties in facts.items() if properties is None],
        unreadable,
        page.delta_link or None,
    )


def _read_entity(query: DeltaQuery, raw: msgspec.Raw) -> _Object:
    """An object, also with invalid UTF-8 in its names. Raises `DecodeError`."""
    try:
        return query.read(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return query.read(msgspec.Raw(replace_invalid_utf8(bytes(raw))))
