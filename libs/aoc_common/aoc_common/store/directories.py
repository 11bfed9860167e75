"""The directories of tenants, as the collector writes them.

Nothing is erased: what changes or goes closes a period (`contracts.periods`).

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.directory import EntityKind


class Facts(TypedDict, total=False):
    """What can be said of an entity, beside its id and kind: fields of `Entity`, and two that are not shown.

    `aliases`: further ids that it is found by (a device's device id, a role's template id). `licensed`: whether a user
    has a licence, from which it is told whether it is a service account.
    """

    name: str | None
    upn: str | None
    app_id: str | None
    enabled: bool | None
    guest: bool | None
    department: str | None
    aliases: tuple[str, ...]
    licensed: bool | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What an answer of the directory said of one entity: only the facts that it names, None for "has none"."""

    id: str
    kind: EntityKind
    facts: Facts


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """The directory roles that somebody holds, by name and in order; whether one of them is privileged."""

    roles: tuple[str, ...]
    privileged: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """When an answer showed something, and what its reading compares with.

    - `at`: when the answer came. `generation`: the number of its reading (`DirectoryStates.begin`).
    - `after`: when the last complete reading of the kind began: until then all was as it is stored. None where there
      was none.
    """

    at: datetime
    generation: int
    after: datetime | None = None


class DirectoryStore(Protocol):
    """Writes the directories. All writes are idempotent.

    Every reading of a kind has a *generation*, a number higher than those before. What a later reading has seen, an
    earlier one does not change. What a reading from the beginning has not seen when it ends is swept away.
    Whatever changes closes a period and opens another one. What is gone is kept with its periods, though
    `DirectoryNames.find` does not find it.
    """

    async def put(self, tenant: str, sightings: Sequence[Sighting], seen: Observation, *, complete: bool) -> None:
        """Store what was seen, at most some hundreds at a time and none of them twice.

        `complete`: a sighting has all facts of its entity, so a fact that it lacks is removed; only a second one in the
        same generation adds to the first. Otherwise it holds changes, and facts that it lacks stay. Roles stay in any
        case.
        `DirectoryNames.changed` tells of entities that appear, or change their kind, name or keys.
        """
        ...

    async def remove(self, tenant: str, kind: EntityKind, ids: Sequence[str], seen: Observation) -> None:
        """Note that these entities are gone."""
        ...

    async def sweep(self, tenant: str, kind: EntityKind, seen: Observation) -> int:
        """Note that the entities of a kind are gone that were last seen before this generation; how many."""
        ...

    async def assign(self, tenant: str, held: Mapping[str, HeldRoles], seen: Observation) -> None:
        """Replace who holds which roles (by object id). Holders that are not in the directory are left out."""
        ...

    async def count(self, tenant: str) -> dict[str, int]:
        """Kind -> how many entities there are now. Kinds without any are left out."""
        ...
