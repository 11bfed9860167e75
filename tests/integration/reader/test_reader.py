"""A reader of AOC_EVENTS loses nothing, whatever the stream has dropped: on real servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError

from aoc_common.contracts.reading import EventFilter
from aoc_common.errors import Transient
from reader_bench import READER, STREAM, Handled, Rig, sign_ins
from replica import NOW

if TYPE_CHECKING:
    from nats.aio.msg import Msg


async def test_every_event_is_handled_once_and_none_comes_from_the_store(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(250))
    handled = Handled()
    async with rig.read(handled) as reading:
        await eventually(lambda: len(handled.events) >= 250)
        await rig.publish(*sign_ins(3))
        await eventually(lambda: len(handled.events) >= 253)
        await eventually(lambda: reading.trouble() is None)

    assert (handled.events, handled.twice) == (await rig.published(), set())
    assert (await rig.checkpoint()).past == ()


@pytest.mark.slow
async def test_what_was_purged_unread_comes_from_the_store_as_it_was_published(rig: Rig, eventually) -> None:
    await rig.declare()
    for _ in range(4):
        await rig.publish(*sign_ins(120))
    published = await rig.published()
    await rig.drop()
    await rig.publish(*sign_ins(5))
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.events) >= 485)
    last = await rig.published()

    assert handled.events == published + last
    [hole] = (await rig.checkpoint()).past
    assert (hole.reason, hole.filled, hole.missing, hole.unaccounted) == ("dropped", 480, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["max_age", "max_bytes"])
async def test_what_a_limit_has_taken_comes_from_the_store(rig: Rig, eventually, limit) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(200))
    config = (await rig.js.stream_info(STREAM)).config
    small = {"max_age": 1.0, "duplicate_window": 1.0} if limit == "max_age" else {"max_bytes": 50_000}
    await rig.js.update_stream(replace(config, **small))

    async def taken() -> bool:
        state = (await rig.js.stream_info(STREAM)).state
        # What goes by its age while it is read may have been handled, and is in the hole too.
        return state.messages == 0 if limit == "max_age" else state.first_seq > 100

    await eventually(taken)
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 200)

    assert handled.twice == set()


@pytest.mark.slow
async def test_a_stream_that_was_made_anew_and_counts_from_one_again_loses_nothing(rig: Rig, eventually) -> None:
    await rig.declare()
    first = sign_ins(150)
    await rig.publish(*first)
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.events) == 150)
    await rig.publish(*sign_ins(70))
    await rig.remake()
    await rig.publish(*sign_ins(60))
    await rig.remake()
    await rig.publish(*sign_ins(50))
    await rig.declare()
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 330)

    assert handled.twice == set()
    assert [one.filled for one in (await rig.checkpoint()).past] == [130]


async def test_a_reader_goes_on_at_its_checkpoint_when_its_consumer_was_deleted(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(100))
    handled = Handled()
    async with rig.read(handled) as reading:
        await eventually(lambda: len(handled.events) == 100)

        async def noted() -> bool:
            return (await rig.checkpoint()).position.sequence >= 100

        await eventually(noted)
        await rig.forsake()
        await rig.publish(*sign_ins(20))
        await eventually(lambda: reading.trouble() is not None)
        assert await rig.declare() == [f"{STREAM}: consumer alerting made"]
        await eventually(lambda: len(handled.ids) == 120)

    assert handled.twice == set()


async def test_what_was_dropped_while_the_consumer_was_gone_is_filled_too(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.forsake()
    await rig.publish(*sign_ins(30))
    await rig.drop()
    await rig.publish(*sign_ins(10))
    await rig.declare()
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 40)

    assert handled.twice == set()


async def test_messages_that_somebody_took_out_of_the_middle_come_from_the_store(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(40))
    await rig.js.delete_msg(STREAM, 17)
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 40)


async def test_a_tenant_has_its_own_events_only_from_the_stream_and_from_the_store(rig: Rig, eventually) -> None:
    reader = replace(READER, event_filter=EventFilter(tenant="contoso", class_uid=3002))
    await rig.declare(reader)
    await rig.publish(*sign_ins(30))
    await rig.drop()
    await rig.publish(*sign_ins(10))
    handled, other = Handled(), Handled()
    async with rig.read(handled, reader):
        await eventually(lambda: len(handled.events) == 40)
    stranger = replace(reader, event_filter=EventFilter(tenant="fabrikam"))
    await rig.forsake()
    await rig.database["readers"].delete_many({})
    await rig.declare(stranger)
    await rig.drop()
    async with rig.read(other, stranger) as reading:
        await eventually(lambda: reading.trouble() is None)
        await rig.publish(*sign_ins(10))
        await asyncio.sleep(0.5)

    assert {one.tenant for one in handled.events} == {"contoso"}
    assert other.events == []


async def test_an_idle_reader_of_a_quiet_tenant_has_no_hole_when_others_events_are_dropped(
    rig: Rig, eventually
) -> None:
    reader = replace(READER, event_filter=EventFilter(tenant="fabrikam"))
    await rig.declare(reader)
    await rig.publish(*sign_ins(20))
    async with rig.read(Handled(), reader):

        async def passed() -> bool:
            return (await rig.checkpoint()).position.sequence >= 20

        await eventually(passed)
        await rig.drop()
        await asyncio.sleep(0.5)

    assert (await rig.checkpoint()).past == ()


@pytest.mark.slow
@pytest.mark.parametrize(("begin", "expected"), [("beginning", 30), ("now", 10)])
async def test_a_new_reader_begins_where_it_says(rig: Rig, eventually, begin, expected) -> None:
    reader = replace(READER, begin=begin)
    await rig.publish(*sign_ins(20))
    await rig.declare(reader)
    await rig.publish(*sign_ins(10))
    handled = Handled()
    async with rig.read(handled, reader):
        await eventually(lambda: len(handled.events) == expected)
        await asyncio.sleep(0.3)

    assert len(handled.events) == expected


async def test_a_new_reader_begins_at_a_time_also_at_one_that_the_stream_has_forgotten(rig: Rig, eventually) -> None:
    await rig.publish(*sign_ins(7))
    await asyncio.sleep(0.05)
    moment = datetime.now(UTC)
    await rig.publish(*sign_ins(5))
    await rig.declare(replace(READER, begin=moment))
    state = await rig.checkpoint()
    await rig.drop()
    await rig.publish(*sign_ins(2))
    # The publication log has the time of the replica's clock, which stands.
    await rig.declare(other := replace(READER, name="other", begin=NOW - timedelta(minutes=10)))
    before = await rig.checkpoint(other)

    assert (state.position.sequence, before.position.sequence) == (8, 0)


async def test_a_reader_that_begins_at_a_time_after_all_messages_begins_at_the_end(rig: Rig) -> None:
    moment = datetime.now(UTC)
    await rig.publish(*sign_ins(3))
    await rig.declare(replace(READER, begin=moment))
    await rig.declare(later := replace(READER, name="later", begin=datetime.now(UTC) + timedelta(minutes=1)))

    assert (await rig.checkpoint()).position.sequence == 0
    assert (await rig.checkpoint(later)).position.sequence == 4


async def test_a_server_that_does_not_say_where_a_time_is_makes_an_error_and_no_beginning(
    rig: Rig, monkeypatch
) -> None:
    await rig.publish(*sign_ins(3))
    ask = Client.request

    async def silent(client: Client, subject: str, *args: Any, **how: Any) -> Msg:
        if ".STREAM.MSG.GET." in subject:
            raise NatsTimeoutError
        return await ask(client, subject, *args, **how)

    monkeypatch.setattr(Client, "request", silent)
    with pytest.raises(Transient):
        await rig.declare(replace(READER, begin=datetime.now(UTC)))

    assert await rig.checkpoints.read(READER.name) is None


async def test_the_hole_is_filled_before_what_comes_after_it_is_handled(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(300))
    await rig.drop()
    await rig.publish(*sign_ins(50))
    handled = Handled()
    async with rig.read(handled, workers=3):
        await eventually(lambda: len(handled.events) == 350)

    sequences = [one.sequence for one in handled.events]
    assert max(sequences[:300]) < min(sequences[300:])


@pytest.mark.slow
async def test_a_store_that_is_away_while_a_hole_is_filled_costs_time_only(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(250))
    await rig.drop()
    handled, calls = Handled(), 0

    def away_at_first(_events) -> None:
        nonlocal calls
        calls += 1
        if calls in {1, 3}:
            raise Transient("away", retry_after=0.05)

    handled.before = away_at_first
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 250)

    assert handled.twice == set()
