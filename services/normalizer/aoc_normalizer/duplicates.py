"""Events that are one record under two ids are found and merged, by the rules by which a page is deduplicated.

A record that is stored under an id of before stays there (ADR 0011), unless its record is also stored under the id that
it has today. Whether two texts are one record is judged as `write.comparison` judges it: by the letter, else by what
they say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from aoc_common.contracts import ids
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.upkeep.late_names import renewals
from aoc_normalizer.write.comparison import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.event import Event
    from aoc_common.store.mongo.event_renewal import ConflictingRecord, MongoRenewal
    from aoc_common.store.renewals import StoredRecord
    from aoc_normalizer.enrich.lookup import LookUp


class Undecided(StrEnum):
    """Why two events are left as they are."""

    OTHER = "the other one says something else"
    UNREADABLE = "no mapper of this version can read one of the two"
    VERSIONS = "it has versions of its own"


@dataclass(frozen=True, slots=True)
class Found:
    """An event whose record is stored under the id that it has today, too: `id` and `other`."""

    id: UUID
    other: UUID
    why: Undecided | None = None


@dataclass(slots=True)
class Duplicates:
    """What was found in some records.

    `outdated`: stored once, under an id of before that `aoc remap --all` renews. `duplicates`, `left`: how many are the
    `same` as another one, and how many are `undecided`.
    """

    read: int = 0
    outdated: int = 0
    duplicates: int = 0
    left: int = 0
    same: list[Found] = field(default_factory=list)
    undecided: list[Found] = field(default_factory=list)
    merged: int = 0


async def find(
    renewal: MongoRenewal,
    look_up: LookUp,
    clock: Clock,
    tenant: str,
    records: Sequence[StoredRecord],
    *,
    apply: bool,
) -> Duplicates:
    """The duplicates among these records of a tenant, and, with `apply`, merge them. Raises `Transient`."""
    found = Duplicates(read=len(records))
    pairs = await renewals(tenant, [record for record in records if not record.past], look_up, clock.now())
    elsewhere = [(record, event) for record, event in pairs if _is_elsewhere(record, event)]
    rivals = await renewal.rivals(tenant, {event.id for _, event in elsewhere})
    merging: list[tuple[StoredRecord, Event, ConflictingRecord]] = []
    for record, event in elsewhere:
        if (rival := rivals.get(event.id)) is None:
            found.outdated += record.id not in {*event.former, *event.kin}
        elif (why := _undecided(tenant, record, rival)) is not None:
            found.undecided.append(Found(record.id, rival.id, why))
        else:
            found.same.append(Found(record.id, rival.id))
            merging.append((record, event, rival))
    found.duplicates, found.left = len(found.same), len(found.undecided)
    if apply and merging:
        found.merged = await renewal.merge(merging)
    return found


def _is_elsewhere(record: StoredRecord, event: Event) -> bool:
    """Whether a record has another id today. Content beside another one has an id of its own by the rules."""
    identities = (event.id, *event.former, *event.kin)
    return record.id != event.id and record.id not in {ids.beside(one, event.operation) for one in identities}


def _undecided(tenant: str, record: StoredRecord, rival: ConflictingRecord) -> Undecided | None:
    """Why these two are not to be merged; None when they are one record."""
    if record.stored_fields.get("versions", 1) > 1:
        return Undecided.VERSIONS
    if record.raw == rival.raw:
        return None
    mine = state_of(record.raw, RecordContext(tenant, record.source, record.logged))
    other = state_of(rival.raw, RecordContext(tenant, rival.source, rival.logged))
    if mine is None or other is None:
        return Undecided.UNREADABLE
    return None if (mine.shape, mine.digest) == (other.shape, other.digest) else Undecided.OTHER
