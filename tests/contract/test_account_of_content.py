"""No time is called complete of which content was fetched and is not stored, whichever slice has fetched it.

A blob is fetched once, and then every other slice passes over it. So its pages may belong to a slice that begins later
(the blob was put off, and tried by itself), to one that is only read once more, or to one that was never finished.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from account_books import FIVE, NOW, T0, Books
from aoc_common.store.backlog import Cause
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.mongo.unsettled import MongoUnsettled
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from aoc_common.store.slices import EmptySlice, SliceFetched
from indexed import ACCOUNT

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.store.mongo.client import Database, Document

SOURCE: Final = ("contoso", "o365-general")
CREATED: Final = T0 + timedelta(minutes=2)
BLOB: Final = ContentBlob("b1", "https://manage.office.example/b1", CREATED, CREATED + timedelta(days=7))


def _slice_id(start: datetime, end: datetime) -> str:
    return f"contoso/o365-general/{start:%Y%m%dT%H%M%S}-{end:%Y%m%dT%H%M%S}"


class Content(Books):
    """The ledger of a source with one blob, which was created in the first five minutes."""

    async def open(self, start: datetime, end: datetime, *, rereading: bool = False) -> str:
        name = _slice_id(start, end)
        await self.ledger.open_slice(name, *SOURCE, start, end, rereading=rereading)
        return name

    async def fetch(self, slice_id: str) -> None:
        """The blob is on the bus, as one page of this slice."""
        await self.ledger.listed(*SOURCE, [BLOB], NOW)
        await self.ledger.note_pages([PublishedPage("p1", *SOURCE, slice_id, 1, NOW)])
        await self.ledger.mark_fetched(*SOURCE, {"b1": 3}, slice_id, NOW)

    async def finish(self, slice_id: str, until: datetime, *, pages: int = 1) -> None:
        await self.ledger.slice_fetched(SliceFetched(slice_id, pages, 3 * pages, NOW))
        await self.sources.advance(*SOURCE, until, NOW)

    async def read_without_content(self, since: datetime, end: datetime) -> None:
        """A slice to its end that passes over the blob."""
        await self.ledger.slice_empty(_slice_id(since, end), EmptySlice(*SOURCE, since, end, NOW))
        await self.sources.advance(*SOURCE, end, NOW)

    async def store(self, slice_id: str) -> None:
        await self.ledger.pages_settled([PageOutcome("p1", *SOURCE, slice_id, 3, 0, 0, NOW)])
        await self.account.settle(NOW, 100)

    async def complete_until(self) -> datetime | None:
        await self.account.settle(NOW, 100)
        return (await self.of("o365-general")).complete_until


@pytest.fixture
async def content(database: Database) -> Content:
    await ensure_indexes(database, ACCOUNT)
    return Content(database)


async def test_content_that_was_put_off_and_is_fetched_by_a_later_slice(content: Content) -> None:
    await content.ledger.listed(*SOURCE, [BLOB], NOW)
    await content.read_without_content(T0, T0 + FIVE)
    put_off = await content.of("o365-general")
    later = await content.open(T0 + 6 * FIVE, T0 + 7 * FIVE)
    await content.fetch(later)
    during = await content.complete_until()
    await content.finish(later, T0 + 7 * FIVE)
    before = await content.complete_until()
    await content.store(later)

    assert (put_off.complete_until, [gap.start for gap in put_off.gaps][:1]) == (T0 + FIVE, [CREATED])
    assert (during, before, await content.complete_until()) == (CREATED, CREATED, T0 + 7 * FIVE)


async def test_content_that_a_rescan_fetches(content: Content) -> None:
    await content.ledger.listed(*SOURCE, [BLOB], NOW)
    await content.read_without_content(T0, T0 + FIVE)
    rescan = await content.open(T0 - FIVE, T0 + FIVE, rereading=True)
    await content.fetch(rescan)
    await content.ledger.slice_fetched(SliceFetched(rescan, 1, 3, NOW))
    before = await content.complete_until()
    await content.store(rescan)

    assert (before, await content.complete_until()) == (CREATED, T0 + FIVE)


@pytest.mark.parametrize("end", ["failed", "abandoned", "open"])
async def test_content_of_a_slice_that_another_one_takes_the_place_of(content: Content, end: str) -> None:
    """A first try has fetched the blob and died, or failed; the next one ends elsewhere, and passes over the blob."""
    first = await content.open(T0, T0 + FIVE)
    await content.fetch(first)
    if end == "failed":
        await content.ledger.slice_failed(first, "Unreachable: 503", NOW)
    if end == "abandoned":
        await content.ledger.slice_abandoned(first, NOW)
    await content.read_without_content(T0, T0 + 2 * FIVE)
    before = await content.complete_until()
    await content.store(first)

    # What was never finished, and is done, holds nothing up.
    assert (before, await content.complete_until()) == (CREATED, T0 + 2 * FIVE)


async def test_content_of_a_slice_that_a_settled_rescan_of_the_same_time_passes_over(content: Content) -> None:
    """The re-scan reads the slice's beginning before the normalizer does, finds the blob fetched, and is empty."""
    first = await content.open(T0, T0 + 2 * FIVE)
    await content.fetch(first)
    await content.finish(first, T0 + 2 * FIVE)
    rescan = _slice_id(T0 - FIVE, T0 + FIVE)
    await content.ledger.slice_empty(rescan, EmptySlice(*SOURCE, T0 - FIVE, T0 + FIVE, NOW, rereading=True))
    before = await content.complete_until()
    await content.store(first)

    assert (before, await content.complete_until()) == (CREATED, T0 + 2 * FIVE)


async def test_content_without_records_holds_nothing_up(content: Content) -> None:
    first = await content.open(T0, T0 + FIVE)
    await content.ledger.listed(*SOURCE, [BLOB], NOW)
    await content.ledger.mark_fetched(*SOURCE, {"b1": 0}, first, NOW)
    await content.ledger.slice_failed(first, "Unreachable: 503", NOW)
    await content.read_without_content(T0, T0 + FIVE)

    assert await content.complete_until() == T0 + FIVE


async def test_content_of_another_source_or_tenant_holds_nothing_up(content: Content) -> None:
    first = await content.open(T0, T0 + FIVE)
    await content.fetch(first)
    for tenant, source in (("contoso", "o365-exchange"), ("fabrikam", "o365-general")):
        name = await content.fetched(0, tenant=tenant, source=source)
        await content.account.settle(NOW, 100)
        assert (await content.of(source, tenant)).complete_until == T0 + FIVE, name


async def test_lost_content_that_was_put_off_is_collected_from_where_it_was_created(content: Content) -> None:
    """Its pages were lost on the bus: the time of the slice that had fetched it does not list it."""
    await content.ledger.listed(*SOURCE, [BLOB], NOW)
    await content.read_without_content(T0, T0 + FIVE)
    later = await content.open(T0 + 6 * FIVE, T0 + 7 * FIVE)
    await content.fetch(later)
    await content.finish(later, T0 + 7 * FIVE)
    await MongoLostPages(content.database).mark_lost(later, ["p1"], NOW)
    [stretch] = await MongoBacklog(content.database).waiting("contoso")

    assert (stretch.cause, stretch.done_until, stretch.end) == (Cause.BEHIND, CREATED, T0 + 7 * FIVE)
    assert await content.complete_until() == CREATED


async def test_what_is_lost_while_the_account_is_read_is_not_called_complete(content: Content, monkeypatch) -> None:
    """Pages of a slice are found lost after its source's position was read, and before what is unsettled is."""
    first = await content.open(T0, T0 + FIVE)
    await content.fetch(first)
    await content.finish(first, T0 + FIVE)
    unsettled = MongoUnsettled.slices

    async def after_the_loss(reader: MongoUnsettled, tenant: str) -> dict[str, list[Document]]:
        await MongoLostPages(content.database).mark_lost(first, ["p1"], NOW)
        await content.account.settle(NOW, 100)
        return await unsettled(reader, tenant)

    monkeypatch.setattr(MongoUnsettled, "slices", after_the_loss)
    account = await content.of("o365-general")

    assert (account.watermark, account.complete_until) == (T0, T0)
    assert (T0, T0 + FIVE) in [(gap.start, gap.end) for gap in account.gaps]


async def test_a_source_whose_first_slice_was_fetched_after_its_state_was_read_claims_nothing(
    content: Content, monkeypatch
) -> None:
    """A new source: its live slices begin near now, and what lies before is a stretch."""
    unsettled = MongoUnsettled.slices

    async def after_the_first_slice(reader: MongoUnsettled, tenant: str) -> dict[str, list[Document]]:
        await content.ledger.slice_fetched(SliceFetched(await content.open(T0, T0 + FIVE), 1, 3, NOW))
        return await unsettled(reader, tenant)

    monkeypatch.setattr(MongoUnsettled, "slices", after_the_first_slice)
    account = await content.of("o365-general")

    assert (account.unsettled, account.watermark, account.complete_until) == (1, None, None)
