"""Choosing items that wait for a decision, and doing something to each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aoc_common.contracts.dead_letters import retried_slice
from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import LAPSE, MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.review_queues import in_flight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from nats.js import JetStreamContext

    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.review_queues import MongoReviewQueue
    from aoc_common.store.review_queues import Decision, Item, Selection
    from aoc_common.store.review_reading import ReviewReading


@dataclass(slots=True)
class BatchOutcome:
    """The outcome of a decision on several items. `left`: key -> why the item was left as it is."""

    chosen: int = 0
    done: int = 0
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backends:
    """The store of the items, and the bus on which they are published again."""

    database: Database
    js: JetStreamContext | None = None

    @property
    def letters(self) -> MongoDeadLetters:
        """The dead letters."""
        return MongoDeadLetters(self.database)

    @property
    def quarantine(self) -> MongoQuarantine:
        """The quarantined records."""
        return MongoQuarantine(self.database)

    @property
    def ledger(self) -> MongoLedger:
        """The ledger."""
        return MongoLedger(self.database)

    @property
    def bus(self) -> JetStreamContext:
        """The bus. Raises `Unreachable` for who has none."""
        if self.js is None:
            raise Unreachable("the bus is not connected")
        return self.js


def needs_no_retry(item: Item, at: datetime) -> bool:
    """Whether a retry passes it over that does not name it: it is on its way, or its event is stored."""
    return item.stored or in_flight(item, at)


async def decide(
    store: ReviewReading,
    selection: Selection,
    work: Callable[[Item], Awaitable[str | None]],
    skip: Callable[[Item], bool],
) -> BatchOutcome:
    """Do `work` to each selected item; it returns why an item is left as it is. Raises `Transient` at once.

    Items for which `skip` is true are only worked on when their ids are given.
    """
    items = await store.find(replace(selection, limit=max(selection.limit, len(selection.keys))))
    done = BatchOutcome()
    if missing := set(selection.keys) - {item.key for item in items}:
        done.left.update(dict.fromkeys(sorted(missing), "no such open item"))
    for item in items:
        if skip(item) and not selection.keys:
            continue
        done.chosen += 1
        try:
            reason = await work(item)
        except Permanent as error:
            reason = str(error)
        if reason is None:
            done.done += 1
        else:
            done.left[item.key] = reason
    done.chosen += len(missing)
    return done


async def discard_item(store: MongoReviewQueue, item: Item, decision: Decision) -> str | None:
    """Mark an item as not needed; returns why it is left."""
    return None if await store.discard([item.key], decision) else "somebody has decided about it meanwhile"


def slice_for(item: Item, at: datetime) -> tuple[str, bool]:
    """The slice in which an item is retried, and whether it must be opened.

    Its own slice while the ledger has that slice's pages; later that slice is closed for good, and a new one is used.
    """
    if at - item.at < LAPSE:
        return item.slice_id, False
    return retried_slice(item.tenant, item.source, item.key), True
