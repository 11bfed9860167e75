"""The live tail shows each new event that its reader asks for and may see, once, whatever happens in between."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.contracts.access import Grant
from aoc_common.store.audit_trail import AuditQuery
from reader_bench import sign_ins
from replica import AUDIT, SIGN_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

READER = Grant("reader", tenants=frozenset({"contoso"}))


def audits(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [AUDIT | {"Id": str(uuid.uuid4()), **changes} for _ in range(count)]


async def in_order(rig) -> list[str]:
    """The ids of all events that were published, in that order."""
    return [str(one.id) for one in await rig.published()]


async def test_new_events_come_as_they_are_listed_and_in_order(gateways, rig) -> None:
    await rig.publish(*sign_ins(2))
    async with gateways.running(READER) as gateway, gateway.tail() as tail:
        await rig.publish(*sign_ins(3))
        block = await tail.until(lambda block: block.data is not None)
        rest = await tail.events(2)
        listed = (await gateway.client.get("/api/events")).json()["items"]

        assert block.data in listed
        assert [block.data["id"], *rest] == (await in_order(rig))[2:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"service": "exchange"}, 1),
        ({"q": "-service:exchange"}, 2),
        ({"actor": "kim*"}, 1),
        ({"q": "kim"}, 1),
        ({"operation": "Set-*"}, 1),
        ({"source": "graph-signins", "result": "success"}, 2),
        ({"end": "2020-01-01T00:00:00Z"}, 0),
        ({"start": "2020-01-01T00:00:00Z"}, 3),
        ({"understood": "no"}, 0),
    ],
)
async def test_filters_work_as_in_the_list(gateways, rig, asked, count) -> None:
    kim = SIGN_IN | {"id": str(uuid.uuid4()), "userPrincipalName": "kim@contoso.example"}
    async with gateways.running(READER, heartbeat_s=0.3) as gateway, gateway.tail(**asked) as tail:
        await rig.publish(*sign_ins(1), kim)
        await rig.publish(*audits(1), source="o365-exchange")
        await tail.until(lambda block: block.comment == "alive")
        if len(seen(tail)) < count:
            await tail.events(count - len(seen(tail)))
        listed = (await gateway.client.get("/api/events", params=asked)).json()["items"]

        assert len(seen(tail)) == count
        assert set(seen(tail)) == {event["id"] for event in listed}


def seen(tail) -> list[str]:
    return [block.data["id"] for block in tail.blocks if block.kind == "message" and block.data is not None]


async def test_a_record_that_nobody_understands_is_asked_for_as_in_the_list(gateways, rig) -> None:
    async with gateways.running(READER) as gateway, gateway.tail(understood="no") as tail:
        await rig.publish(*sign_ins(1))
        await rig.publish({"id": "?", "what": "is this", "createdDateTime": SIGN_IN["createdDateTime"]}, source="what")
        found = await tail.events(1)

        assert found == (await in_order(rig))[1:]


async def test_who_comes_again_misses_nothing_and_sees_nothing_twice(gateways, rig) -> None:
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            await rig.publish(*sign_ins(5))
            got = await tail.events(3)  # two more are sent, and lost on the way
        await rig.publish(*sign_ins(4))
        async with gateway.tail(tail.place) as again:
            got += await again.events(6)
            place = again.place
    # The gateway is gone, and another one answers.
    await rig.publish(*sign_ins(250))
    async with gateways.running(READER) as other, other.tail(last_event_id=place) as last:
        got += await last.events(250)
        await rig.publish(*sign_ins(2))
        got += await last.events(2)

    assert got == await in_order(rig)


async def test_the_header_goes_before_the_parameter(gateways, rig) -> None:
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            first = tail.place
            await rig.publish(*sign_ins(3))
            await tail.events(2)
        async with gateway.tail(tail.place, last_event_id=first) as again:
            assert await again.events(1) == (await in_order(rig))[2:]


@pytest.mark.slow
async def test_what_the_stream_has_dropped_comes_from_the_store(gateways, rig) -> None:
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            await rig.publish(*sign_ins(3))
            got = await tail.events(1)
        await rig.publish(*sign_ins(300))
        expected = await in_order(rig)
        await rig.drop()
        await rig.publish(*sign_ins(2))
        expected += await in_order(rig)
        async with gateway.tail(tail.place) as again:
            got += await again.events(304)

    assert got == expected
    assert "gap" not in {block.kind for block in again.blocks}


async def test_a_stream_that_was_made_anew_is_gone_on_with(gateways, rig) -> None:
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            await rig.publish(*sign_ins(2))
            got = await tail.events(1)
        expected = await in_order(rig)
        await rig.remake()
        await rig.publish(*sign_ins(1))
        expected += await in_order(rig)
        async with gateway.tail(tail.place) as again:
            got += await again.events(2)

    assert got == expected


async def test_what_cannot_be_had_any_more_is_said(gateways, rig, database) -> None:
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            await rig.publish(*sign_ins(1))
        await rig.publish(*sign_ins(3))
        await rig.drop()
        await database["events"].delete_many({})
        await rig.publish(*sign_ins(1))
        async with gateway.tail(tail.place) as again:
            gap = await again.until(lambda block: block.kind == "gap")
            found = await again.events(1)

    assert gap.data["reason"] == "dropped"
    assert found == await in_order(rig)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["nonsense", "A" * 64, "%00"])
async def test_a_place_that_was_not_given_here_is_refused(gateways, place) -> None:
    async with gateways.running(READER) as gateway:
        answer = await gateway.client.get("/api/events/stream", headers={"Last-Event-ID": place})

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "cursor-invalid")


async def test_tags_are_refused_since_what_comes_has_none(gateways) -> None:
    async with gateways.running(READER) as gateway:
        for name, text in (("tag", "case-1"), ("q", "dana -tag:benign"), ("q", "tag:x OR tag:y")):
            answer = await gateway.client.get("/api/events/stream", params={name: text})
            [error] = answer.json()["errors"]

            assert (answer.status_code, error["name"], "has no tags yet" in error["detail"]) == (422, name, True)


async def test_a_sign_of_life_moves_on_the_place(gateways, rig) -> None:
    async with gateways.running(READER, heartbeat_s=0.2) as gateway:
        async with gateway.tail(actor="nobody") as tail:
            await rig.publish(*sign_ins(3))
            begun = tail.place
            while True:
                assert (await tail.until(lambda block: block.comment == "alive")).data is None
                if (await gateway.client.get("/livez")).status_code == 200 and tail.place != begun:
                    break
        await rig.publish(*sign_ins(1))
        async with gateway.tail(tail.place) as again:
            found = await again.events(1)

    assert found[0] in await in_order(rig)


async def test_head_begins_nothing(gateways) -> None:
    async with gateways.running(READER) as gateway:
        answer = await gateway.client.head("/api/events/stream")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_begin_and_end_are_in_the_audit_trail(gateways, rig, eventually) -> None:
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            await rig.publish(*sign_ins(2))
            await tail.events(2)
        trail = gateway.app.state.services.audit_entries

        async def noted() -> Sequence[dict[str, Any]]:
            return [one.event for one in await trail.search(AuditQuery("contoso", action="events.tail"))]

        async def both() -> bool:
            return len(await noted()) == 2

        await eventually(both)
        end, begin = await noted()

    assert (begin["unmapped"]["ended"], end["unmapped"]["ended"], end["unmapped"]["rows"]) == ("begun", "left", 2)
    assert end["status"] == "Success"


async def test_a_tail_ends_when_the_gateway_stops(gateways, rig) -> None:
    async with gateways.running(READER) as gateway, gateway.tail() as tail:
        gateway.stop.set()

        assert await tail.end() == "restarting"


async def test_each_caller_has_so_many(gateways, eventually) -> None:
    async with gateways.running(READER, limits={"tails_per_caller": 1}) as gateway:
        async with gateway.tail():
            second = await gateway.client.get("/api/events/stream")

        async def has_room() -> bool:
            async with gateway.client.stream("GET", "/api/events/stream") as answer:
                return bool(answer.status_code == 200)

        await eventually(has_room)

    assert (second.status_code, second.json()["type"].rpartition("/")[2]) == (429, "too-many")


async def test_nobody_else_has_more_than_there_may_be(gateways) -> None:
    async with gateways.running(READER, limits={"tails": 1}) as gateway, gateway.tail():
        second = await gateway.client.get("/api/events/stream")

    assert (second.status_code, second.json()["type"].rpartition("/")[2]) == (503, "busy")


async def test_another_tenants_events_are_not_shown(gateways, rig) -> None:
    other = Grant("reader", tenants=frozenset({"fabrikam"}))
    async with gateways.running(other, heartbeat_s=0.2) as gateway:
        refused = await gateway.client.get("/api/events/stream")
        async with gateway.tail(tenant="fabrikam") as tail:
            await rig.publish(*sign_ins(3))
            for _ in range(3):
                assert (await tail.block()).data is None

    assert refused.status_code == 403
    assert json.loads(refused.text)["type"].endswith("forbidden")
