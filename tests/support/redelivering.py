"""The writing half of a normalizer whose raw pages come more than once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import orjson
import pytest

from aoc_common.bus.atomic import Published
from aoc_common.clock import SystemClock
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.flow import map_message
from writing import make_writer

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.page_ledger import SliceTotals

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Replica:
    """The writing half of a normalizer; what it publishes is in `published`."""

    def __init__(self, database: Database) -> None:
        clock = SystemClock()
        self.published: list[str] = []
        self.names: list[str] = []
        self.bus_is_away = False
        self.events = MongoEvents(database, lambda *_: timedelta(days=30), clock)
        self.ledger = MongoLedger(database)
        self._writer = make_writer(database, self.events, self.ledger, self._publish, clock)

    async def mapped(self, slice_id: str, *names: str):
        records = [{"Id": name, "CreationTime": "2026-11-23T07:30:00", "Operation": "Set-Mailbox"} for name in names]
        return await self.page(RawPage("contoso", "o365-exchange", f"contoso/{slice_id}", NOW, orjson.dumps(records)))

    async def page(self, page: RawPage):
        message = SimpleNamespace(subject=page.subject, headers=page.headers(), data=page.body)
        return await map_message(message, self._learn, self.events.encoded, page.fetched_at)

    async def takes(self, *pages) -> None:
        await self._writer.write(pages)

    async def dies_with(self, *pages) -> None:
        """Store what is on these, and publish nothing of it."""
        self.bus_is_away = True
        with pytest.raises(Unreachable):
            await self.takes(*pages)

    async def totals(self, slice_id: str) -> SliceTotals:
        return await self.ledger.totals("contoso", f"contoso/{slice_id}")

    async def _learn(self, wanted):
        return dict.fromkeys(wanted, NO_ENRICHMENT)

    async def _publish(self, pages) -> list[Published]:
        if self.bus_is_away:
            raise Unreachable("bus away")
        self.names += [page.page for page in pages if page.messages]
        self.published += [one.headers["Nats-Msg-Id"] for page in pages for one in page.messages]
        return [Published() for _ in pages]
