"""What the collector asks of storage for the directories that it keeps, and what is read of them.

Nothing is erased: what changes or goes closes a period (`contracts.periods`).

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.directory import Entity, EntityKind
    from aoc_common.contracts.periods import History


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
class Held:
    """The directory roles that somebody holds, by name and in order; whether one of them is privileged."""

    roles: tuple[str, ...]
    privileged: bool


@dataclass(frozen=True, slots=True)
class Seen:
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

    async def put(self, tenant: str, sightings: Sequence[Sighting], seen: Seen, *, whole: bool) -> None:
        """Store what was seen, at most some hundreds at a time and none of them twice.

        `whole`: a sighting says all that there is, so what it leaves out the entity has not got; only a second one in
        the same generation adds to the first. Otherwise it tells of changes, and what it leaves out stays. Roles stay
        in any case.
        `DirectoryNames.changed` tells of entities that appear, or change their kind, name or keys.
        """
        ...

    async def remove(self, tenant: str, kind: EntityKind, ids: Sequence[str], seen: Seen) -> None:
        """Note that these entities are gone."""
        ...

    async def sweep(self, tenant: str, kind: EntityKind, seen: Seen) -> int:
        """Note that the entities of a kind are gone that were last seen before this generation; how many."""
        ...

    async def assign(self, tenant: str, held: Mapping[str, Held], seen: Seen) -> None:
        """Replace who holds which roles (by object id). Holders that are not in the directory are left out."""
        ...

    async def count(self, tenant: str) -> dict[str, int]:
        """Kind -> how many entities there are now. Kinds without any are left out."""
        ...


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far a kind of a tenant's directory has been read.

    `delta_link` continues the reading that began with `query`; None until it was read to its end once.
    `read_from`: when the last reading began that told of everything.
    """

    tenant: str
    kind: EntityKind
    generation: int = 0
    query: str | None = None
    delta_link: str | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    read_from: datetime | None = None


class DirectoryStates(Protocol):
    """How far the directories have been read."""

    async def state(self, tenant: str, kind: EntityKind) -> SyncState:
        """The state of a kind; an empty one when it was never read."""
        ...

    async def begin(self, tenant: str, kind: EntityKind) -> int:
        """The number of a new reading, higher than any before. Forgets nothing."""
        ...

    async def advance(self, state: SyncState, at: datetime) -> bool:
        """Note a success with the state's `query`, `delta_link` and, if it has one, `read_from`.

        False, and nothing, if a later reading has begun.
        """
        ...

    async def note_error(self, tenant: str, kind: EntityKind, error: str, at: datetime) -> None:
        """Note why a kind could not be read."""
        ...

    async def all_states(self, tenant: str) -> list[SyncState]:
        """The kinds that were tried."""
        ...


@dataclass(frozen=True, slots=True)
class Learnt:
    """An entity became known, or changed its name: by which keys it is found, and when."""

    tenant: str
    keys: tuple[str, ...]
    at: datetime


class DirectoryNames(Protocol):
    """Reads the directories that the collector keeps, as they are now."""

    async def find(self, tenant: str, keys: Sequence[str]) -> dict[str, Entity]:
        """Those of these keys (spelled by `contracts.directory.key`) that a tenant's directory knows. One query."""
        ...

    async def changed(self, since: datetime, limit: int) -> list[Learnt]:
        """Entities that became known or changed their name after `since`, oldest first.

        `limit` or a few more: what changed at one moment is never split, so that the last moment can be the next
        `since`. Collectors write at the same time and their clocks differ: look back a little.
        """
        ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a tenant's directory says of some keys.

    `histories`: key -> the objects that it is or was a key of. `read`: whether users were ever read to the end, so that
    a key without an object means nobody.
    """

    histories: Mapping[str, tuple[History, ...]]
    read: bool


class DirectoryHistories(Protocol):
    """Reads what the directories were. Raises `Transient` when the store is away."""

    async def remembered(self, tenant: str, keys: Sequence[str]) -> Remembered:
        """All objects that have, or had, one of these keys (100 at most).

        Of a key that more than `contracts.periods.MANY` objects had so many of them, that whose own id it is included.
        """
        ...

    async def administrators(self, tenant: str) -> dict[str, tuple[str, ...]]:
        """Object id -> the names of those that hold a privileged role, or held one since histories are kept."""
        ...
