"""Raw pages are mapped and stored, and their new events published."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aoc_common.bus import consumers
from aoc_common.bus.atomic import EventPublisher
from aoc_common.bus.limits import StreamLimit
from aoc_common.contracts import subjects
from aoc_common.errors import Transient
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.exact_times import MongoExactTimes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.publications import MongoPublications
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.remarks import MongoRemarks
from aoc_common.store.mongo.tenant_ids import MongoTenantIds
from aoc_common.store.mongo.twins import MongoTwins
from aoc_common.telemetry import logs
from aoc_normalizer.enrich.directory_cache import DirectoryCache, make_look_up
from aoc_normalizer.enrich.location import Locator
from aoc_normalizer.enrich.lookup import nowhere
from aoc_normalizer.enrich.tenant_check import remembering
from aoc_normalizer.flow import make_handler
from aoc_normalizer.tombstones import Tombstones
from aoc_normalizer.twins.linker import Twins
from aoc_normalizer.write.dead_letters import PageDeadLetters
from aoc_normalizer.write.dedupe import Deduplicator
from aoc_normalizer.write.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.service.resources import Resources
    from aoc_common.service.worker import Parts
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.events import MongoEvents
    from aoc_common.tenants.stored_registry import StoredTenants
    from aoc_normalizer.enrich.lookup import Locate, LookUp
    from aoc_normalizer.settings import NormalizerSettings

_log = logs.get(__name__)


def locating(database: Path | None) -> Locate:
    """How addresses are located. Raises `BadConfiguration` for a file that is no database of locations."""
    return nowhere if database is None else Locator(database, time.monotonic).find


def account(database: Database) -> PageDeadLetters:
    """Where pages are put on record that were given up."""
    return PageDeadLetters(MongoDeadLetters(database), MongoLedger(database).page_given_up)


def look_up_of(settings: NormalizerSettings, locate: Locate, resources: Resources) -> LookUp:
    """What is known of ids and addresses, with a memory of the directory."""
    database, clock = resources.database, resources.clock
    names = DirectoryCache(MongoDirectoryHistory(database), clock, settings.names_remembered)
    return make_look_up(names, locate, remembering(MongoTenantIds(database).id_of, clock))


def add(
    settings: NormalizerSettings, look_up: LookUp, events: MongoEvents, tenants: StoredTenants, parts: Parts
) -> None:
    """Add the workers that take pages."""
    resources = parts.resources
    write = _writer(settings, events, resources).write
    pages = [replace(one, batch=settings.batch_pages, batch_bytes=settings.batch_bytes) for one in consumers.NORMALIZER]
    living = Tombstones(tenants.records, events.forget_tenant).living
    parts.consume(pages, make_handler(write, look_up, events.encoded, living), settings.workers)
    parts.closing(partial(_count, events))


async def _count(events: MongoEvents) -> None:
    """Count what was stored and not counted yet. Raises nothing: counts are hints, and the work is done."""
    try:
        await events.count()
    except Transient as error:
        _log.warning("outline.uncounted", error=str(error))


def _writer(settings: NormalizerSettings, events: MongoEvents, resources: Resources) -> Writer:
    database, clock = resources.database, resources.clock
    ledger, versions = MongoLedger(database, clock), MongoEventVersions(database)
    return Writer(
        Deduplicator(events, versions, versions, ledger, MongoExactTimes(database)),
        Twins(MongoTwins(database), settings.twins.prefer, clock),
        ledger,
        MongoQuarantine(database),
        MongoArrivals(database),
        EventPublisher(resources.broker).publish,
        clock,
        StreamLimit(resources.broker, subjects.EVENTS_STREAM),
        MongoRemarks(database).add,
        MongoPublications(database).note,
    )
