"""What any store of the state of sources promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.sources import SourceState
from making import NOW
from memory import MemorySources

HOUR = timedelta(hours=1)
MINE = ("contoso", "graph-signins")


@pytest.fixture(params=["memory", "mongo"])
def sources(request, database):
    return MemorySources() if request.param == "memory" else MongoSources(database)


async def test_a_source_that_never_ran_has_no_state(sources):
    assert await sources.state(*MINE) == SourceState(*MINE)
    assert await sources.all_states("contoso") == []


async def test_a_watermark_never_moves_back_and_the_first_start_stays(sources):
    await sources.advance(*MINE, NOW, NOW)
    await sources.advance(*MINE, NOW - HOUR, NOW + HOUR)

    [state] = await sources.all_states("contoso")
    assert (state.watermark, state.position) == (NOW, NOW)
    assert (state.started_at, state.last_success) == (NOW, NOW + HOUR)
    assert await sources.state(*MINE) == replace(state, watermark=None)
    assert await sources.all_states("fabrikam") == []


async def test_a_success_clears_the_last_error(sources):
    await sources.note_error(*MINE, "no permission", NOW, trouble="permission", code="AF10001")
    noted = await sources.state(*MINE)
    await sources.advance(*MINE, NOW, NOW)

    assert (noted.last_error, noted.last_error_at) == ("no permission", NOW)
    assert (noted.trouble, noted.code) == ("permission", "AF10001")
    state = await sources.state(*MINE)
    assert (state.last_error, state.trouble, state.code) == (None, None, "")


async def test_an_error_leaves_the_position_as_it_was(sources):
    await sources.advance(*MINE, NOW, NOW)
    await sources.note_error(*MINE, "away", NOW + HOUR)

    state = await sources.state(*MINE)
    assert (state.position, state.trouble) == (NOW, "other")


async def test_a_position_is_skipped_to_only_from_where_it_was(sources):
    await sources.skip(*MINE, None, NOW, NOW)
    first = await sources.state(*MINE)
    await sources.skip(*MINE, None, NOW + 2 * HOUR, NOW + 2 * HOUR)
    await sources.skip(*MINE, NOW - HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR)
    unmoved = await sources.state(*MINE)
    await sources.skip(*MINE, NOW, NOW + HOUR, NOW + HOUR)

    assert (first.position, first.started_at, first.last_success) == (NOW, NOW, None)
    assert unmoved == first
    state = await sources.state(*MINE)
    assert (state.position, state.started_at) == (NOW + HOUR, NOW)


async def test_an_age_is_moved_only_from_where_it_was_and_only_of_a_source_that_ran(sources):
    await sources.reread(*MINE, 3600, None, NOW)
    unknown = await sources.state(*MINE)
    await sources.advance(*MINE, NOW, NOW)
    await sources.reread(*MINE, 3600, None, NOW - HOUR)
    await sources.reread(*MINE, 3600, None, NOW)
    await sources.reread(*MINE, 7200, None, NOW - 2 * HOUR)
    await sources.reread(*MINE, 7200, NOW - 2 * HOUR, NOW)

    assert unknown == SourceState(*MINE)
    assert (await sources.state(*MINE)).reread == {3600: NOW - HOUR, 7200: NOW}


async def test_since_when_a_subscription_does_not_run_is_the_first_time_until_it_is_accounted_for(sources):
    await sources.note_unsubscribed(*MINE, NOW)
    await sources.note_unsubscribed(*MINE, NOW + HOUR)
    later = await sources.state(*MINE)
    await sources.note_unsubscribed(*MINE, NOW - HOUR)
    earlier = await sources.state(*MINE)
    await sources.note_unsubscribed(*MINE, None)

    assert (later.unsubscribed_since, earlier.unsubscribed_since) == (NOW, NOW - HOUR)
    assert (await sources.state(*MINE)).unsubscribed_since is None


async def test_what_is_noted_of_a_source_is_kept_beside_how_far_it_is(sources):
    await sources.advance("contoso", "o365-dlp", NOW, NOW)
    await sources.note_subscribed("contoso", "o365-dlp", NOW)
    await sources.note_watched("contoso", {"o365-exchange": None, "o365-dlp": 0.125})
    await sources.note_watched("contoso", {})

    collected, new = await sources.all_states("contoso")
    assert (collected.position, collected.subscribed_at, collected.throttled) == (NOW, NOW, 0.125)
    assert new == SourceState("contoso", "o365-exchange")


async def test_states_are_those_of_one_tenant_or_of_all_in_order(sources):
    for tenant in ("fabrikam", "contoso"):
        await sources.note_watched(tenant, {"graph-signins": None, "graph-intune": None})

    contoso = [(state.tenant, state.source) for state in await sources.all_states("contoso")]
    everybody = [(state.tenant, state.source) for state in await sources.all_states(None)]
    assert contoso == [("contoso", "graph-intune"), ("contoso", "graph-signins")]
    assert everybody == [*contoso, ("fabrikam", "graph-intune"), ("fabrikam", "graph-signins")]


async def test_what_was_asked_for_is_told_apart_and_in_order(sources):
    for start, end in ((9, 8), (5, 4), (8, 6), (5, 3), (5, 4)):
        await sources.note_requested(*MINE, NOW - start * HOUR, NOW - end * HOUR)

    state = await sources.state(*MINE)
    assert tuple(state.requested) == ((NOW - 9 * HOUR, NOW - 6 * HOUR), (NOW - 5 * HOUR, NOW - 3 * HOUR))
