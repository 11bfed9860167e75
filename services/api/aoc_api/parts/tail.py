"""The live tail: the bus, and the store where the stream has dropped something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api.tail.live_tail import LiveTail
from aoc_api.tail.past import Past
from aoc_common.bus.live_events import LiveEvents
from aoc_common.store.mongo.publications import MongoPublications

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_api.settings import TailOptions
    from aoc_api.tail.places import Places
    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.searches import EventSearch


def make_tail(  # what it is made of
    broker: NatsBroker, database: Database, search: EventSearch, places: Places, options: TailOptions, clock: Clock
) -> LiveTail:
    """All live tails of a gateway, also while the bus is away."""
    live = LiveEvents(broker)
    return LiveTail(live, Past(live, MongoPublications(database), clock), places, search.get, options, clock)
