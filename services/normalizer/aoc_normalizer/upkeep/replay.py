"""Stored records of a stretch of time are mapped again by the mappers of this version. Nothing is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from aoc_normalizer.upkeep.late_names import renewals

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.event import Event
    from aoc_common.store.mongo.event_renewal import MongoRenewal
    from aoc_common.store.mongo.record_ranges import MongoPosition, MongoRecordRanges
    from aoc_common.store.renewals import StoredRecord
    from aoc_normalizer.enrich.lookup import LookUp


@dataclass(slots=True)
class ReplayCounts:
    """What a replay has found. `unread`: records that no mapper of this version can read; their events stay."""

    read: int = 0
    changed: int = 0
    unchanged: int = 0
    unread: int = 0
    moved: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """Which records: of a tenant, of one source or of all, of events whose ids are above `low` and below `high`."""

    tenant: str
    source: str | None
    low: UUID | None
    high: UUID | None


async def replay(
    ranges: MongoRecordRanges,
    renewal: MongoRenewal,
    look_up: LookUp,
    clock: Clock,
    which: Range,
    size: int,
    position: MongoPosition | None,
) -> AsyncGenerator[ReplayCounts]:
    """Map records again, `size` events at a time; yields the counts of each part.

    `position`: where it is noted how far this is, from where it goes on. None: nothing is changed, only counted.
    """
    low = which.low if position is None else await position.read() or which.low
    async for records in ranges.batches(which.tenant, which.source, low, which.high, size):
        pairs = await renewals(which.tenant, records, look_up, clock.now())
        changed = [pair for pair in pairs if says_otherwise(*pair)]
        counts = ReplayCounts(len(records), len(changed), len(pairs) - len(changed), len(records) - len(pairs))
        if position is not None:
            counts.moved = await renewal.renew(changed)
            if done := [record.id for record in records]:
                await position.note(max(done))
        yield counts
    if position is not None:
        await position.forget()


def says_otherwise(record: StoredRecord, event: Event) -> bool:
    """Whether this version makes another event of a record than the stored one."""
    made = (record.mapper, record.mapper_version) == (event.mapper, event.mapper_version)
    return not made or _plain(record.ocsf) != _plain(event.ocsf)


def _plain(ocsf: Any) -> bytes:
    """An OCSF event in one spelling, without when it was stored."""
    metadata = {name: value for name, value in ocsf.get("metadata", {}).items() if name != "processed_time"}
    return orjson.dumps({**ocsf, "metadata": metadata}, option=orjson.OPT_SORT_KEYS)
