"""A collector and a normalizer whose pages can be lost between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.bus.raw import on_stream
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched
from aoc_normalizer.upkeep.gone_pages import GonePages
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext

    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
END = START + timedelta(minutes=5)
WEEK = timedelta(days=7)


class Office:
    """A collector's and a normalizer's words about one source, on a real bus and a real ledger."""

    def __init__(self, js: JetStreamContext, database: Database, source: str) -> None:
        self.clock, self.source, self._js, self.database = ManualClock(END), source, js, database
        self.ledger, self.sources = MongoLedger(database), MongoSources(database)
        self.account, self.backlog = MongoAccount(database), MongoBacklog(database)
        self.slice_id = f"contoso/{source}/1"
        self.gone = GonePages(MongoLostPages(database), self._there, self.clock, timedelta(minutes=10))

    async def _there(self, pages: Sequence[PublishedPage]) -> set[str]:
        return await on_stream(self._js, ((one.page, one.sequence) for one in pages))

    async def fetched(self, count: int) -> list[RawPage]:
        """A slice of so many pages, a blob each, all on the bus."""
        now = self.clock.now()
        await self.ledger.open_slice(self.slice_id, "contoso", self.source, START, END)
        names = [f"b{number}" for number in range(count)]
        await self.ledger.listed(
            "contoso", self.source, [ContentBlob(n, "uri", START, START + WEEK) for n in names], now
        )
        pages = [RawPage("contoso", self.source, self.slice_id, now, b"[%d]" % number) for number in range(count)]
        acks = await publish_all(
            self._js, subjects.RAW_STREAM, [Outgoing(one.subject, one.body, one.headers()) for one in pages]
        )
        await self.ledger.note_pages(
            [
                PublishedPage(one.id, one.tenant, one.source, one.slice_id, ack.seq, now)
                for one, ack in zip(pages, acks, strict=True)
            ]
        )
        await self.ledger.mark_fetched("contoso", self.source, dict.fromkeys(names, 1), self.slice_id, now)
        await self.ledger.slice_fetched(SliceFetched(self.slice_id, count, count, now))
        await self.sources.advance("contoso", self.source, END, now)
        return pages

    async def settled(self, *pages: RawPage) -> None:
        outcomes = [
            PageOutcome(one.id, "contoso", self.source, self.slice_id, 1, 0, 0, self.clock.now()) for one in pages
        ]
        await self.ledger.pages_settled(outcomes)

    async def told(self) -> SourceAccount:
        await self.account.settle(self.clock.now(), 100)
        return next(iter(await self.account.accounts("contoso", self.clock.now())))
