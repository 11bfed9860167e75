"""A live tail shows nothing that its reader may not see, costs others nothing, and ends with a word why."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime

import pytest

from aoc_api.access.note import Note
from aoc_common.contracts.access import Grant, Scope
from aoc_common.errors import Unreachable
from aoc_common.store.grants import Grantee, StoredGrant
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.grants import MongoGrants
from aoc_common.store.searches import EventQuery
from reader_bench import sign_ins
from replica import AUDIT, SIGN_IN

READER = Grant("reader", tenants=frozenset({"contoso"}))
GUID = "00000000-0000-0000-0000-000000000001"


def audits(count: int, **changes):
    return [AUDIT | {"Id": str(uuid.uuid4()), **changes} for _ in range(count)]


@pytest.mark.slow
async def test_a_slow_reader_is_cut_off_and_goes_on_while_others_see_all(gateways, rig) -> None:
    async with gateways.running(READER, buffer_events=5, heartbeat_s=0.2) as gateway, gateway.tail() as tail:
        live = gateway.app.state.services.tail
        query = EventQuery(Scope("contoso"))

        async def recheck() -> Scope:
            return query.scope

        async with live.opened(query, None, recheck, Note()) as reader:
            slow = reader.frames()
            while b"alive" not in await anext(slow):  # it has come to where the newest events are
                pass
            await rig.publish(*sign_ins(1))
            while b"data" not in (one := await anext(slow)):
                pass
            assert len(await tail.events(1)) == 1
            # It reads no more, and the others go on: nothing is kept for it but the newest five.
            for _ in range(4):
                await rig.publish(*sign_ins(5))
                assert len(await tail.events(5)) == 5
            last = await anext(slow)
            assert [frame async for frame in slow] == []
        place = one.decode().partition("id: ")[2].partition("\n")[0]
        async with gateway.tail(place) as again:
            rest = await again.events(20)

    assert b'"reason":"too-slow"' in last
    assert rest == [str(event.id) for event in await rig.published()][1:]


@pytest.mark.slow
async def test_it_ends_when_the_key_is_revoked(gateways, rig, database) -> None:
    async with gateways.running(READER) as gateway, gateway.tail() as tail:
        principal = (await gateway.client.get("/api/me")).json()["principal"]
        await MongoApiKeys(database).revoke(principal.removeprefix("key/"), "local/operator", datetime.now(UTC))

        assert await tail.end() == "not-allowed"
        assert (await gateway.client.get("/api/events/stream")).status_code == 401


@pytest.mark.slow
async def test_it_ends_when_the_grant_is_taken_away(gateways, database, eventually) -> None:
    fabrikam = Grant("reader", tenants=frozenset({"fabrikam"}))
    async with gateways.running(fabrikam) as gateway:
        key = (await gateway.client.get("/api/me")).json()["principal"]
        given = StoredGrant("1", Grantee("api-key", key), READER, "local/operator", "operator", datetime.now(UTC))
        await MongoGrants(database).add(given)

        async def is_reader() -> bool:
            return (await gateway.client.get("/api/events")).status_code == 200

        await eventually(is_reader)
        async with gateway.tail() as tail:
            await MongoGrants(database).remove("1")

            assert await tail.end() == "not-allowed"


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{}, {"q": "dana"}, {"q": "-walrus"}, {"q": "walrus"}, {"ip": "203.0.113.9"}])
async def test_what_is_hidden_is_neither_shown_nor_found(gateways, rig, tmp_path, asked) -> None:
    rules = [{"services": ["exchange"]}, {"fields": ["address"]}]
    tenant = {"name": "contoso", "tenant_id": GUID, "client_id": GUID, "privacy": rules}
    gateways.tenants_file = tmp_path / "tenants.json"
    gateways.tenants_file.write_text(json.dumps([tenant]))
    shown = SIGN_IN | {"id": str(uuid.uuid4()), "ipAddress": "203.0.113.9"}
    async with gateways.running(READER, heartbeat_s=0.3) as gateway, gateway.tail(**asked) as tail:
        await rig.publish(*audits(2, ObjectId="walrus"), source="o365-exchange")
        await rig.publish(shown)
        listed = (await gateway.client.get("/api/events", params=asked)).json()["items"]
        await tail.events(len(listed))
        await tail.until(lambda block: block.comment == "alive")
        said = json.dumps([block.data for block in tail.blocks])

        assert [block.data["id"] for block in tail.blocks if block.data] == [event["id"] for event in listed]
        assert "203.0.113.9" not in said
        assert "exchange" not in said


@pytest.mark.slow
async def test_rules_that_change_hold_at_once_for_who_looks_on(gateways, rig, tmp_path) -> None:
    gateways.tenants_file = tmp_path / "tenants.json"
    tenant = {"name": "contoso", "tenant_id": GUID, "client_id": GUID, "privacy": []}
    gateways.tenants_file.write_text(json.dumps([tenant]))
    async with gateways.running(READER, heartbeat_s=0.3) as gateway, gateway.tail() as tail:
        await rig.publish(*audits(1), source="o365-exchange")
        await tail.events(1)
        gateways.tenants_file.write_text(json.dumps([tenant | {"privacy": [{"services": ["exchange"]}]}]))
        async with asyncio.timeout(60):
            while (await gateway.client.get("/api/events")).json()["items"]:  # another file is read
                await asyncio.sleep(0.1)
        # The signs of life of before lie there unread; the tail looks at the rules five times a second here.
        read = time.monotonic()
        while time.monotonic() - read < 1:
            await tail.until(lambda block: block.comment == "alive")
        await rig.publish(*audits(1), source="o365-exchange")
        await rig.publish(*sign_ins(1))
        (found,) = await tail.events(1)

        assert found == str((await rig.published())[-1].id)


@pytest.mark.slow
async def test_the_bus_away_ends_it_and_it_goes_on_when_the_bus_is_back(
    gateways, rig, nats_server, monkeypatch
) -> None:
    monkeypatch.setattr("aoc_api.tail.reader._AWAY_S", 0.5)
    async with gateways.running(READER) as gateway:
        async with gateway.tail() as tail:
            await rig.publish(*sign_ins(2))
            got = await tail.events(1)
            place = tail.place
            nats_server.kill()
            assert await tail.end() == "bus-away"
        away = await gateway.client.get("/api/events/stream")
        nats_server.start()
        async with asyncio.timeout(30):
            while True:
                try:
                    await rig.publish(*sign_ins(1))
                    break
                except Exception:  # noqa: BLE001  # it reconnects
                    await asyncio.sleep(0.2)
        async with asyncio.timeout(30):
            while True:
                try:
                    async with gateway.tail(place) as again:
                        got += await again.events(2)
                    break
                except AssertionError:
                    await asyncio.sleep(0.2)
        expected = [str(event.id) for event in await rig.published()]

    assert (away.status_code, "retry-after" in away.headers) == (503, True)
    assert got == expected


async def test_a_blink_of_the_bus_is_not_seen(gateways, rig, nats_server) -> None:
    async with gateways.running(READER) as gateway, gateway.tail() as tail:
        await rig.publish(*sign_ins(1))
        await tail.events(1)
        channel = gateway.app.state.services.tail._channels["contoso"]
        following = channel._live.following

        def once(*where):
            channel._live.following = following
            raise Unreachable("gone")

        channel._live.following = once
        channel._task.cancel()
        channel._task = asyncio.create_task(channel._run())
        await rig.publish(*sign_ins(2))

        assert await tail.events(2) == [str(event.id) for event in await rig.published()][1:]
