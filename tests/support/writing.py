"""The normalizer's writer, on a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.event_versions import MongoEventVersions
from aoc_common.store.mongo.exact_times import MongoExactTimes
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.twins import MongoTwins
from aoc_normalizer.twins.linker import Twins
from aoc_normalizer.write.dedupe import Deduplicator
from aoc_normalizer.write.writer import Writer

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.contracts.twins import Lane
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.events import MongoEvents
    from aoc_common.store.mongo.ledger import MongoLedger
    from aoc_normalizer.write.writer import Publish


def make_writer(database: Database, events: MongoEvents, ledger: MongoLedger, publish: Publish, clock: Clock) -> Writer:
    """Graph's records stand first."""
    versions = MongoEventVersions(database)
    dedupe = Deduplicator(events, versions, versions, ledger, MongoExactTimes(database))
    twins = Twins(MongoTwins(database), _graph, clock)
    return Writer(dedupe, twins, ledger, MongoQuarantine(database), MongoArrivals(database), publish, clock)


def _graph(_tenant: str) -> Lane:
    return "graph"
