"""Content of which Microsoft says odd things: what is there is read, and what was read is no gap."""

from __future__ import annotations

import pytest

from activity_feed import drain, failure, item


def bodies(batches):
    return sorted(array.body for batch in batches for array in batch.arrays)


@pytest.mark.parametrize("together", [True, False], ids=["on one page", "on two pages"])
async def test_two_links_under_one_id_are_two_blobs(exchange, feed, together):
    root = item("a")["contentUri"].removesuffix("a")
    one, two = item("a") | {"contentUri": f"{root}part-1"}, item("a") | {"contentUri": f"{root}part-2"}
    feed.listings = [[one, two]] if together else [[one], [two]]
    feed.contents = {"part-1": b'[{"Id":"1"}]', "part-2": b'[{"Id":"2"}]'}

    found = bodies(await drain(exchange))

    assert found == [b'[{"Id":"1"}]', b'[{"Id":"2"}]']


async def test_a_blob_keeps_its_name_however_its_link_spells_it(exchange, feed):
    uri = item("a$b")["contentUri"]
    feed.listings = [[item("a$b") | {"contentUri": f"{uri.replace('$', '%24')}?PublisherIdentifier=x"}]]

    batches = await drain(exchange)

    assert [key for batch in batches for key in batch.blobs] == ["a$b"]


async def test_a_blob_that_was_empty_is_asked_for_again_when_it_is_listed_again(exchange, feed, blobs, clock):
    feed.listings, feed.contents = [[item("a")]], {"a": b"[]"}
    for batch in await drain(exchange):
        await blobs.mark_fetched("contoso", "o365-exchange", batch.blobs, "slice", clock.now())
    feed.contents = {"a": b'[{"Id":"1"}]'}

    found = bodies(await drain(exchange))

    assert found == [b'[{"Id":"1"}]']


async def test_a_blob_that_was_empty_and_is_gone_now_is_no_gap(exchange, feed, blobs, clock):
    feed.listings, feed.contents = [[item("a")]], {"a": b"[]"}
    for batch in await drain(exchange):
        await blobs.mark_fetched("contoso", "o365-exchange", batch.blobs, "slice", clock.now())
    feed.contents = {"a": failure(400, "AF20051")}

    batches = await drain(exchange)

    assert (blobs.expired, [loss for batch in batches for loss in batch.losses]) == ([], [])
