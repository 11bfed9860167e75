"""What a page that is gone from the bus had stored is taken on by one that brings it again, and published once."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from aoc_common.errors import Unreachable
from aoc_common.store.page_ledger import SliceTotals


async def test_1_what_a_page_stored_and_did_not_publish_before_it_was_gone_is_published_by_who_brings_it_again(
    replicas, lost
) -> None:
    first, second = replicas
    gone = await first.mapped("s", "a", "b")
    await first.dies_with(gone)
    await lost(gone)
    again = [await second.mapped("t", "a"), await second.mapped("u", "b", "c", "a")]
    await second.takes(*again)
    await second.takes(*again)

    assert len(second.published) == len(set(second.published)) == 3
    # Under the name of the page that is gone: had it been published, its marks would say so.
    assert {gone.page.id, again[1].page.id} == set(second.names)
    assert [await second.totals(name) for name in ("t", "u")] == [
        SliceTotals(pages=1, stored=1),
        SliceTotals(pages=1, stored=2, duplicate=1),
    ]


async def test_a_page_that_was_adopted_and_is_gone_too_keeps_the_name_of_the_first(replicas, lost, database) -> None:
    first, second = replicas
    gone = await first.mapped("s", "a")
    await first.dies_with(gone)
    await lost(gone)
    middle = await first.mapped("t", "a")
    await first.dies_with(middle)
    await lost(middle)
    await second.takes(await second.mapped("u", "a"))

    assert second.names == [gone.page.id]
    assert (len(second.published), (await second.totals("u")).stored) == (1, 1)


@pytest.fixture
async def unpublished(replicas):
    """A page that was stored and not published, by a replica that has died."""
    first, _ = replicas
    page = await first.mapped("s", "a")
    await first.dies_with(page)
    return page


async def test_a_page_that_is_settled_takes_on_nothing_of_one_that_is_gone_only_later(
    replicas, lost, unpublished
) -> None:
    _, second = replicas
    settled = await second.mapped("t", "a")
    await second.takes(settled)
    await lost(unpublished)
    # It comes once more: its consumer was made anew, say.
    await second.takes(settled)
    assert not second.published

    await second.takes(await second.mapped("u", "a"))
    assert second.names == [unpublished.page.id]
    assert [await second.totals(name) for name in ("t", "u")] == [
        SliceTotals(pages=1, duplicate=1),
        SliceTotals(pages=1, stored=1),
    ]


@pytest.mark.parametrize("dies", [True, False], ids=["and dies", "and ends"])
async def test_a_page_that_takes_something_on_at_one_delivery_is_not_settled_by_another_that_knows_nothing_of_it(
    replicas, lost, unpublished, monkeypatch, dies
) -> None:
    first, second = replicas
    page = await second.mapped("t", "a")
    put_aside = second._writer._put_aside

    async def taken_on_meanwhile(batch) -> None:
        if not first.names:
            await lost(unpublished)
            first.bus_is_away = dies
            with pytest.raises(Unreachable) if dies else nullcontext():
                await first.takes(page)
        await put_aside(batch)

    monkeypatch.setattr(second._writer, "_put_aside", taken_on_meanwhile)
    await second.takes(page)
    await second.takes(page)

    assert first.names + second.names == [unpublished.page.id]
    assert await second.totals("t") == SliceTotals(pages=1, stored=1)


async def test_what_a_delivery_took_on_before_it_died_is_settled_by_the_next(replicas, lost, unpublished) -> None:
    first, second = replicas
    await lost(unpublished)
    pages = [await first.mapped("t", "a", "b"), await first.mapped("u", "c")]
    await first.dies_with(*pages)
    await second.takes(*pages)

    # What the second publishes again as it hears of the first has marks on the bus.
    assert {*second.names} == {unpublished.page.id, *(page.page.id for page in pages)}
    assert [await second.totals(name) for name in ("t", "u")] == [
        SliceTotals(pages=1, stored=2),
        SliceTotals(pages=1, stored=1),
    ]


async def test_a_page_that_stands_twice_in_a_batch_takes_on_once_and_is_settled_with_what_it_took_on(
    replicas, lost, unpublished
) -> None:
    _, second = replicas
    await lost(unpublished)
    copies = [await second.mapped("t", "a"), await second.mapped("t", "a")]
    await second.takes(*copies)

    assert second.names == [unpublished.page.id]
    assert await second.totals("t") == SliceTotals(pages=1, stored=1)
