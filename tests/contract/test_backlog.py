"""What any store of the backlog promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.errors import Malformed
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.sources import MongoSources
from memory import MemoryBacklog

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stretch(hours=10, *, name="one", cause=Cause.BEHIND, tenant="contoso", source="graph-signins"):
    start = NOW - hours * HOUR
    return Stretch(tenant, source, cause, name, start, NOW, start)


@pytest.fixture(params=["memory", "mongo"])
async def store(request, database):
    if request.param == "memory":
        return MemoryBacklog()
    await ensure_indexes(database, ("sources", "backlog"))
    return MongoBacklog(database)


async def test_a_stretch_waits_until_it_is_collected_to_its_end(store):
    await store.add(stretch(), NOW)
    await store.advance(stretch().id, NOW - HOUR, NOW)
    half = await store.waiting("contoso")
    await store.advance(stretch().id, NOW, NOW)

    assert [one.done_until for one in half] == [NOW - HOUR]
    assert list(await store.waiting("contoso")) == []
    assert (await store.find("contoso", stretch().id)).done_until == NOW


async def test_progress_never_goes_back(store):
    await store.add(stretch(), NOW)
    await store.advance(stretch().id, NOW - HOUR, NOW)
    await store.advance(stretch().id, NOW - 5 * HOUR, NOW)

    [one] = await store.waiting("contoso")
    assert one.done_until == NOW - HOUR


@pytest.mark.parametrize("cause", [Cause.LATE, Cause.ASKED])
async def test_adding_a_stretch_again_changes_nothing_even_when_it_is_done(store, cause):
    again = replace(stretch(cause=cause), end=NOW + HOUR)
    await store.add(stretch(cause=cause), NOW)
    await store.advance(again.id, NOW, NOW)
    await store.add(again, NOW)

    assert list(await store.waiting("contoso")) == []


async def test_what_was_left_behind_grows_to_the_later_end_and_keeps_its_progress(store):
    await store.add(stretch(), NOW)
    await store.advance(stretch().id, NOW, NOW)
    await store.add(replace(stretch(), end=NOW + HOUR), NOW)

    [one] = await store.waiting("contoso")
    assert (one.end, one.done_until) == (NOW + HOUR, NOW)


async def test_what_is_missing_comes_first_and_then_the_oldest(store):
    added = [
        stretch(3, name="asked", cause=Cause.ASKED),
        stretch(2, name="day", cause=Cause.LATE),
        stretch(1, name="hour", cause=Cause.LATE),
        stretch(4, name="younger"),
        stretch(9, name="older"),
    ]
    for one in added:
        await store.add(one, NOW)

    assert [one.name for one in await store.waiting("contoso")] == ["older", "younger", "day", "hour", "asked"]


async def test_what_was_added_since_a_moment_is_found_also_when_it_is_done(store):
    await store.add(stretch(name="before"), NOW - HOUR)
    await store.add(stretch(name="since"), NOW)
    await store.advance(stretch(name="since").id, NOW, NOW)

    assert [one.name for one in await store.added_since("contoso", NOW)] == ["since"]
    assert list(await store.added_since("fabrikam", NOW)) == []


async def test_tenants_are_kept_apart(store):
    await store.add(stretch(), NOW)
    await store.add(stretch(tenant="fabrikam"), NOW)

    assert [one.tenant for one in await store.waiting("fabrikam")] == ["fabrikam"]
    assert await store.find("fabrikam", stretch().id) is None


async def test_a_tenant_that_is_no_slug_is_refused(database):
    with pytest.raises(Malformed):
        await MongoBacklog(database).waiting("../other")


async def test_the_watermark_waits_for_what_was_left_behind_while_the_position_goes_on(database):
    sources, backlog = MongoSources(database), MongoBacklog(database)
    await sources.skip("contoso", "graph-signins", None, NOW, NOW)
    await backlog.add(stretch(10), NOW)
    await backlog.add(stretch(20, cause=Cause.LATE), NOW)
    await sources.advance("contoso", "graph-signins", NOW + HOUR, NOW)
    [before] = await sources.all_states("contoso")
    await backlog.advance(stretch().id, NOW - 2 * HOUR, NOW)
    [halfway] = await sources.all_states("contoso")
    await backlog.advance(stretch().id, NOW, NOW)
    [after] = await sources.all_states("contoso")

    assert (before.watermark, before.position) == (NOW - 10 * HOUR, NOW + HOUR)
    assert halfway.watermark == NOW - 2 * HOUR
    assert (after.watermark, after.position, after.started_at) == (NOW + HOUR, NOW + HOUR, NOW)


async def test_the_position_skips_only_from_where_it_is_known_to_be(database):
    sources = MongoSources(database)
    await sources.skip("contoso", "graph-signins", None, NOW, NOW)
    await sources.skip("contoso", "graph-signins", None, NOW + HOUR, NOW)
    await sources.skip("contoso", "graph-signins", NOW - HOUR, NOW + HOUR, NOW)
    unmoved = (await sources.state("contoso", "graph-signins")).position
    await sources.skip("contoso", "graph-signins", NOW, NOW + 2 * HOUR, NOW)

    assert unmoved == NOW
    assert (await sources.state("contoso", "graph-signins")).position == NOW + 2 * HOUR


async def test_a_stretch_that_is_put_off_goes_on_waiting_until_it_is_read(store):
    await store.add(stretch(), NOW)
    await store.postpone(stretch().id, NOW + HOUR, NOW)
    await store.postpone(stretch().id, NOW + 2 * HOUR, NOW + HOUR)
    [put_off] = await store.waiting("contoso")
    await store.advance(stretch().id, NOW - HOUR, NOW)
    [read] = await store.waiting("contoso")

    assert (put_off.failures, put_off.put_off_at, put_off.not_before) == (2, NOW + HOUR, NOW + 2 * HOUR)
    assert (read.failures, read.put_off_at, read.not_before) == (0, None, None)
