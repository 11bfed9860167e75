"""What is done beside the batches: accounts are settled and merged, what is gone is found, names come late."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_common.bus.raw import on_stream
from aoc_common.bus.streams import bounds
from aoc_common.contracts import subjects
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.compaction import MongoCompaction
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.directory import MongoDirectory
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.expired import MongoExpired
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.local_expiry import MongoLocalExpiry
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.mongo.overtaken import MongoOvertaken
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_normalizer.upkeep.gone_pages import GonePages
from aoc_normalizer.upkeep.late_names import LateNames
from aoc_normalizer.upkeep.overtaken_slices import OvertakenSlices
from aoc_normalizer.upkeep.put_aside import PutAsideUpkeep

if TYPE_CHECKING:
    from aoc_common.service.worker import Parts
    from aoc_common.store.mongo.events import MongoEvents
    from aoc_normalizer.enrich.lookup import LookUp
    from aoc_normalizer.settings import NormalizerSettings

#: Slices whose account is closed, or that are looked at to be merged, at a time.
_SETTLED_TOGETHER: Final = 500
#: How often expired content is counted, seconds, and how many days of it at a time.
_FOLD_S: Final = 3600
_DAYS_TOGETHER: Final = 500
#: How often what has expired is removed where the server does not: as often as MongoDB does, seconds.
_EXPIRY_S: Final = 60


def add(settings: NormalizerSettings, look_up: LookUp, events: MongoEvents, parts: Parts) -> None:
    """Add the periodic tasks."""
    database, clock = parts.resources.database, parts.resources.clock
    late = LateNames(MongoDirectory(database), MongoRenewal(database), look_up, clock)
    account, compaction, expired = MongoAccount(database), MongoCompaction(database), MongoExpired(database)
    lost, overtaken = _gone_pages(settings, parts), _overtaken(settings, parts)

    async def forget() -> None:
        await events.forget(clock.now())

    async def settle() -> None:
        await account.settle(clock.now(), _SETTLED_TOGETHER)

    async def compact() -> None:
        await compaction.compact(clock.now(), _SETTLED_TOGETHER)

    async def fold() -> None:
        await expired.fold(clock.now(), _DAYS_TOGETHER)

    parts.every(settings.forget_s, "removing what retention no longer keeps", forget)
    parts.every(_EXPIRY_S, "removing what has expired", MongoLocalExpiry(database).run)
    parts.every(settings.late_names_s, "late names", late.catch_up)
    parts.every(settings.settle_s, "settling", settle)
    parts.every(settings.compact_s, "compaction", compact)
    parts.every(settings.gone_look_s, "looking for pages that are gone", lost.look)
    parts.every(settings.gone_look_s, "closing slices that were overtaken", overtaken.look)
    parts.every(_FOLD_S, "counting expired content", fold)
    parts.every(settings.quarantine_s, "quarantine", _put_aside(settings, parts).look_after)


def _gone_pages(settings: NormalizerSettings, parts: Parts) -> GonePages:
    resources = parts.resources
    return GonePages(
        MongoLostPages(resources.database),
        lambda waiting: on_stream(resources.js, ((one.page, one.sequence) for one in waiting)),
        resources.clock,
        timedelta(seconds=settings.gone_after_s),
    )


def _overtaken(settings: NormalizerSettings, parts: Parts) -> OvertakenSlices:
    resources = parts.resources
    after = timedelta(seconds=settings.gone_after_s)
    return OvertakenSlices(MongoOvertaken(resources.database), resources.clock, after)


def _put_aside(settings: NormalizerSettings, parts: Parts) -> PutAsideUpkeep:
    resources = parts.resources
    database, clock = resources.database, resources.clock
    return PutAsideUpkeep(
        MongoDeadLetters(database),
        MongoQuarantine(database),
        MongoLedger(database, clock),
        partial(bounds, resources.js, subjects.DLQ_STREAM),
        timedelta(days=settings.quarantine_days),
        clock,
    )
