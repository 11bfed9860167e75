"""A ledger and its account, as collector and normalizer would write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import SliceFetched

if TYPE_CHECKING:
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

T0 = datetime(2026, 11, 23, 8, tzinfo=UTC)
NOW = T0 + timedelta(hours=1)
FIVE = timedelta(minutes=5)


class Books:
    """What collector and normalizer would write."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger, self.sources, self.account = MongoLedger(database), MongoSources(database), MongoAccount(database)

    async def fetched(
        self, number: int, *sequences: int, records: int = 0, tenant: str = "contoso", source: str = "graph-signins"
    ) -> str:
        """Slice `number` of a source, five minutes each, on the bus at these sequences."""
        start, name = T0 + number * FIVE, f"{tenant}/{source}/{number}"
        await self.ledger.open_slice(name, tenant, source, start, start + FIVE)
        await self.ledger.note_pages(
            [PublishedPage(f"p{number}", tenant, source, name, number, NOW) for number in sequences]
        )
        await self.ledger.slice_fetched(SliceFetched(name, len(sequences), records, NOW))
        await self.sources.advance(tenant, source, start + FIVE, NOW)
        return name

    async def settled(
        self, name: str, *sequences: int, stored: int = 1, duplicate: int = 0, quarantined: int = 0
    ) -> None:
        """The normalizer is done with these pages of a slice."""
        tenant, source, _ = name.split("/")
        await self.ledger.pages_settled(
            [PageOutcome(f"p{seq}", tenant, source, name, stored, duplicate, quarantined, NOW) for seq in sequences]
        )

    async def of(self, source: str = "graph-signins", tenant: str = "contoso") -> SourceAccount:
        return {one.source: one for one in await self.account.accounts(tenant, NOW)}[source]
