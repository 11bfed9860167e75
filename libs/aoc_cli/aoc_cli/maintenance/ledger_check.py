"""Whether what the ledger says was stored is stored, and whether it has forgotten what was listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from aoc_common.settings import load
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.store_check import CountedPage, MongoStoreCheck, OrphanedBlob
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.stored_registry import StoredTenants
from aoc_normalizer.parts.tenants import retention as retention_of
from aoc_normalizer.settings import NormalizerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database

#: How far back pages are compared, and how many of them at most.
_BACK: Final = timedelta(days=7)
_MOST: Final = 200_000
#: Content is counted as expired within hours of its end, unless a collector has been down for so long.
_COUNTED_WITHIN: Final = timedelta(days=2)
#: Before retention may have removed any of a page's events.
_MARGIN: Final = timedelta(hours=1)


@dataclass(slots=True)
class LedgerCheck:
    """What the ledger says; what is stored is added to it. `left`: page -> events that were not seen yet."""

    pages: Mapping[str, CountedPage]
    blobs: list[OrphanedBlob]
    left: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def begun(cls, database: Database, tenant: str | None, clock: Clock) -> Self:
        """What the ledger says now, but for pages of which retention, or aoc maintenance dedupe, may have removed."""
        now, stored = clock.now(), StoredTenants(MongoTenantSettings(database), clock)
        await stored.tenants()
        keep = retention_of(stored, load(NormalizerSettings).retention.keep)
        check = MongoStoreCheck(database)
        found = await check.counted_pages(tenant, now - _BACK, _MOST)
        merged = {name: await _merged_at(database, name) for name in {page.tenant for page in found}}
        pages = {
            page.page: page
            for page in found
            if page.at + keep(page.tenant, page.source) > now + _MARGIN
            and ((at := merged[page.tenant]) is None or at < page.at)
        }
        blobs = await check.orphaned_blobs(tenant, now - _COUNTED_WITHIN, _MOST)
        return cls(pages, blobs, {name: page.stored for name, page in pages.items()})

    def add(self, seen: Mapping[str, int]) -> None:
        """Events that are stored, by their pages."""
        for page, number in seen.items():
            if page in self.left:
                self.left[page] -= number

    def faults(self) -> Iterator[tuple[str, str, str]]:
        """Kind, place and words of each, once all events were added."""
        for name, left in self.left.items():
            if left:
                page = self.pages[name]
                words = (
                    f"the ledger says that it has stored {page.stored:,} events, and {page.stored - left:,} are there"
                )
                yield "pages", f"{page.tenant}/{page.source}, page {name}", words
        for blob in self.blobs:
            words = (
                f"listed, never fetched, and gone at Microsoft since {blob.expired_at:%Y-%m-%d %H:%M}: it is no gap yet"
            )
            yield "blobs", blob.id, words


async def _merged_at(database: Database, tenant: str) -> datetime | None:
    """When duplicates of a tenant were merged last."""
    entries = await MongoAuditTrail(database).search(AuditQuery(tenant, action="maintenance.dedupe", limit=1))
    return entries[0].at if entries else None
