"""What a hole holds: versions, events that were mapped again or moved, twins, what retention has removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.mongo.event_renewal import MongoRenewal
from making import an_event
from reader_bench import STREAM, Handled, Rig, sign_ins
from replica import HOUR, NOW, SIGN_IN


async def read_all(rig: Rig, eventually, count: int) -> Handled:
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.events) >= count)

        async def filled() -> bool:
            return (await rig.checkpoint()).hole is None

        await eventually(filled)
    return handled


async def test_every_version_in_a_hole_is_delivered_as_it_was_published(rig: Rig, eventually) -> None:
    await rig.declare()
    # A shows two risks one after the other, B one; a third version of A is published after the hole.
    a, b = SIGN_IN | {"id": "a"}, SIGN_IN | {"id": "b"}
    await rig.publish(a, b)
    await rig.publish(a | {"riskLevelDuringSignIn": "high"}, fetched=NOW + HOUR, on_bus=NOW + HOUR)
    published = await rig.published()
    await rig.drop()
    await rig.publish(a | {"riskLevelDuringSignIn": "low"}, fetched=NOW + 2 * HOUR, on_bus=NOW + 2 * HOUR)
    handled = await read_all(rig, eventually, 4)

    assert handled.events[:3] == published
    assert sorted(one.version for one in handled.events) == [1, 1, 2, 3]
    assert len({one.key for one in handled.events}) == 4


async def test_a_second_twin_in_a_hole_says_whose_twin_it_is(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(2))
    [first, second] = [one.id for one in await rig.published()]
    await rig.database["events"].update_one({"_id": second}, {"$set": {"twin_of": first}})
    await rig.drop()
    handled = await read_all(rig, eventually, 2)

    one, other = sorted(handled.events, key=lambda event: event.id != first)
    assert (one.twin_of, other.twin_of) == (None, first)
    assert other.event["enrichments"][-1]["data"] == {"twin_of": str(first)}
    assert (one.stands_alone, other.stands_alone) == (True, False)


async def test_an_event_that_was_mapped_again_is_delivered_as_it_is_now(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(SIGN_IN)
    [was] = await rig.published()
    await rig.database["events"].update_one({"_id": was.id}, {"$set": {"event.message": "named since"}})
    await rig.drop()
    [now] = (await read_all(rig, eventually, 1)).events

    assert (now.key, now.event) == (was.key, was.event | {"message": "named since"})


async def test_an_event_that_has_moved_to_another_id_is_delivered_under_that(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(3))
    renewal = MongoRenewal(rig.database)
    [records] = [batch async for batch in renewal.batches("contoso", 10)]
    record = records[0]
    moved = an_event("moved", source=record.source, raw=record.raw, ocsf=dict(record.ocsf or {}), class_uid=3002)
    assert await renewal.renew([(record, moved)]) == 1
    await rig.drop()
    handled = await read_all(rig, eventually, 3)

    assert {one.id for one in handled.events} == {moved.id, records[1].id, records[2].id}
    [hole] = (await rig.checkpoint()).past
    assert (hole.filled, hole.missing) == (3, 0)


async def test_what_retention_has_removed_is_a_stated_hole(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(60))
    gone = [one.id for one in await rig.published()][:25]
    await rig.database["events"].delete_many({"_id": {"$in": gone[:20]}})
    await rig.database["events"].update_many(
        {"_id": {"$in": gone[20:]}}, {"$set": {"forgotten": True}, "$unset": {"raw": ""}}
    )
    await rig.drop()
    handled = await read_all(rig, eventually, 35)

    [hole] = (await rig.checkpoint()).past
    assert (len(handled.ids), hole.filled, hole.missing) == (35, 35, 25)


class CrashError(Exception):
    """The normalizer dies."""


async def test_a_page_that_was_published_and_not_noted_is_found_when_it_is_noted(rig: Rig, eventually) -> None:
    async def dies(_spans, _at) -> None:
        raise CrashError

    await rig.declare()
    records = sign_ins(50)
    dying = rig.made(note=dies)
    with pytest.raises(CrashError):
        await dying.takes("slice", *records)
    # Its events are dropped, and its mark is not: when the page comes again, they are known to be published.
    await rig.js.purge_stream(STREAM, keep=1)
    await rig.publish(*sign_ins(5))
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.events) == 5)

        async def sought() -> bool:
            state = await rig.checkpoint()
            return state.hole is None and bool(state.sought)

        await eventually(sought)
        await rig.made().takes("slice", *records)
        await eventually(lambda: len(handled.ids) == 55)

        async def found() -> bool:
            return not (await rig.checkpoint()).sought

        await eventually(found)

    assert handled.twice == set()
    [hole] = (await rig.checkpoint()).past
    assert (hole.filled, hole.unaccounted) == (50, 0)


async def test_what_nobody_will_ever_note_is_given_up_and_stated(rig: Rig, eventually, monkeypatch) -> None:
    async def nothing(_spans, _at) -> None:
        """A version of before the log."""

    await rig.declare()
    await rig.made(note=nothing).takes("slice", *sign_ins(50))
    await rig.drop()
    await rig.publish(*sign_ins(5))
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.events) == 5)

        async def given_up() -> bool:
            state = await rig.checkpoint()
            return bool(state.past) and not state.sought

        await eventually(given_up)

    [hole] = (await rig.checkpoint()).past
    assert (hole.filled, hole.unaccounted) == (0, 51)  # with the mark of its batch


async def test_events_that_are_stored_and_not_published_are_not_delivered(rig: Rig, eventually) -> None:
    async def dies(_pages) -> None:
        raise Unreachable("the bus is away")

    await rig.declare()
    await rig.publish(*sign_ins(4))
    with pytest.raises(Unreachable):
        await rig.made(publish=dies).takes("slice", *sign_ins(30))
    await rig.drop()
    handled = await read_all(rig, eventually, 4)
    await asyncio.sleep(0.3)

    assert len(handled.events) == 4


async def test_an_event_from_the_store_that_cannot_be_handled_is_a_dead_letter(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(30))
    bad = (await rig.published())[7].id
    await rig.drop()
    handled = Handled()

    def refuse(events) -> None:
        if any(one.id == bad for one in events):
            raise Permanent("not to be handled")

    handled.before = refuse
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 29)

        async def filled() -> bool:
            return (await rig.checkpoint()).hole is None

        await eventually(filled)
    letter = await rig.js.get_last_msg("AOC_DLQ", "aoc.dlq.alerter.contoso")

    assert letter.headers["Nats-Msg-Id"].endswith(str(bad))
    assert letter.headers["Aoc-Sequence"] == "8"


async def test_what_a_server_lost_of_its_end_comes_from_the_store(rig: Rig, eventually) -> None:
    await rig.declare()
    await rig.publish(*sign_ins(20))
    handled = Handled()
    async with rig.read(handled):
        await eventually(lambda: len(handled.events) == 20)
    # What a power failure does, told the other way round: the log and the checkpoint know a longer stream.
    state = await rig.checkpoint()
    lost = sign_ins(10)
    await rig.publish(*lost)
    known = [one.id for one in await rig.published()][20:]
    async for one in rig.database["publications"].find({"last": 31}):
        moved = one | {"_id": one["_id"].replace("/0000000000000022/", "/0000000000000032/"), "last": 41}
        await rig.database["publications"].insert_one(moved)
    await rig.checkpoints.write(replace(state, head=42, revision=state.revision))
    async with rig.read(handled):
        await eventually(lambda: len(handled.ids) == 30)

        async def passed() -> bool:
            return bool((await rig.checkpoint()).past)

        await eventually(passed)

    assert set(known) <= {one.id for one in handled.events}
    assert (await rig.checkpoint()).past[0].reason == "went back"
