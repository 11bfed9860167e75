"""The kinds that Graph tells changes of: where each is, which properties are asked for, and what they say.

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

from aoc_collector.microsoft.answers import listed
from aoc_collector.microsoft.tolerant import readable
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
        """What this says of the object."""
        said: Facts = {}
        if self.display_name is not UNSET:
            said["name"] = self.display_name
        if self.account_enabled is not UNSET:
            said["enabled"] = self.account_enabled
        return said


class _User(_Object, rename="camel"):
    user_principal_name: _Text = UNSET
    user_type: _Text = UNSET
    department: _Text = UNSET
    assigned_licenses: list[msgspec.Raw] | UnsetType | None = UNSET

    def facts(self) -> Facts:
        said = _Object.facts(self)
        if self.user_principal_name is not UNSET:
            said["upn"] = self.user_principal_name
        if self.user_type is not UNSET:
            said["guest"] = None if self.user_type is None else self.user_type.casefold() == "guest"
        if self.department is not UNSET:
            said["department"] = self.department
        if self.assigned_licenses is not UNSET:
            said["licensed"] = bool(self.assigned_licenses)
        return said


class _ServicePrincipal(_Object, rename="camel"):
    app_id: _Text = UNSET

    def facts(self) -> Facts:
        said = _Object.facts(self)
        if self.app_id is not UNSET:
            said["app_id"] = self.app_id
        return said


class _Device(_Object, rename="camel"):
    device_id: _Text = UNSET

    def facts(self) -> Facts:
        said = _Object.facts(self)
        if self.device_id is not UNSET:
            said["aliases"] = (self.device_id,) if self.device_id else ()
        return said


@dataclass(frozen=True, slots=True)
class Feed:
    """A kind, the delta query that tells of it, and how an object is read."""

    kind: EntityKind
    path: str
    select: str
    read: Callable[[msgspec.Raw], _Object]

    def url(self, base: str) -> str:
        """The address of a reading from the beginning."""
        return f"{base}{self.path}?$select={self.select}"


FEEDS: Final[Mapping[EntityKind, Feed]] = {
    feed.kind: feed
    for feed in (
        Feed(
            "user",
            "/v1.0/users/delta",
            "displayName,userPrincipalName,userType,accountEnabled,department,assignedLicenses",
            msgspec.json.Decoder(_User).decode,
        ),
        Feed("group", "/v1.0/groups/delta", "displayName", msgspec.json.Decoder(_Object).decode),
        Feed(
            "service principal",
            "/v1.0/servicePrincipals/delta",
            "displayName,appId,accountEnabled",
            msgspec.json.Decoder(_ServicePrincipal).decode,
        ),
        Feed(
            "device",
            "/v1.0/devices/delta",
            "displayName,deviceId,accountEnabled",
            msgspec.json.Decoder(_Device).decode,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a page says, each object once. `unreadable`: why objects could not be read, one line each."""

    sightings: list[Sighting]
    removed: list[str]
    unreadable: list[str]
    delta_link: str | None


def harvest(feed: Feed, page: Page) -> Harvest:
    """Read a page. Raises `Unreachable` when it is no list of objects."""
    facts: dict[str, Facts | None] = {}
    unreadable: list[str] = []
    for raw in listed(page.value, feed.path):
        try:
            one = _read(feed, raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            unreadable.append(str(error))
            continue
        # An object that changed twice can be there twice; None is one that was removed.
        facts[one.id] = None if one.removed is not UNSET else (facts.get(one.id) or Facts()) | one.facts()
    return Harvest(
        [Sighting(object_id, feed.kind, said) for object_id, said in facts.items() if said is not None],
        [object_id for object_id, said in facts.items() if said is None],
        unreadable,
        page.delta_link or None,
    )


def _read(feed: Feed, raw: msgspec.Raw) -> _Object:
    """An object, whatever is in its names: nobody hides from the directory by a letter. Raises `DecodeError`."""
    try:
        return feed.read(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return feed.read(msgspec.Raw(readable(bytes(raw))))
