"""A record larger than the server's max_payload is published within bounds, and its slice settles."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.conftest import _PASSWORDS, running

from aoc_cli.attach import System
from aoc_cli.doctor.system import check
from aoc_cli.local import nats
from aoc_cli.local.ports import free_port
from aoc_collector.findings import Grade
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.limits import StreamLimit
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.ledger import MongoLedger
from reading import events_on_the_bus

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DEFAULT = 1024 * 1024


@pytest.fixture
def nats_server(tmp_path: Path):
    """A server as NATS comes: with a max_payload of 1 MiB."""
    child = nats.server(tmp_path / "nats", free_port(), _PASSWORDS, DEFAULT)
    with running(child):
        yield child


def record(number: int, **more: object) -> dict[str, object]:
    return {
        "Id": f"r{number}",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": "Set-Mailbox",
        "RecordType": 1,
        **more,
    }


async def test_a_record_of_900_kb_at_the_default_limit_is_stored_and_published_and_settles(
    bus, normalizer, eventually, database: Database, nats_as, schema_faults
) -> None:
    large = record(1, Extra="y" * 900_000)
    body = json.dumps([large, record(2)]).encode()
    await bus.send(RawPage("contoso", "o365-exchange", "contoso/o365-exchange/s1", NOW, body))

    async with normalizer():
        await eventually(bus.settled)

    messages = await events_on_the_bus(nats_as("reader"))
    by_record = {json.loads(message.data)["metadata"]["uid"]: message for message in messages}
    assert sorted(by_record) == ["r1", "r2"]
    cut, whole = by_record["r1"], by_record["r2"]
    assert (cut.headers["Aoc-Truncated"], "Aoc-Truncated" in whole.headers) == ("1", False)
    assert json.loads(cut.data)["metadata"]["is_truncated"] is True
    assert schema_faults(json.loads(cut.data)) == []
    stored = await database["events"].find_one({"raw": {"$regex": "r1"}})
    assert json.loads(stored["raw"]) == large
    assert (await MongoLedger(database).totals("contoso", "contoso/o365-exchange/s1")).stored == 2


@pytest.mark.slow
async def test_the_limit_is_asked_at_each_use_so_that_a_smaller_server_is_noticed(
    nats_server, nats_as, tmp_path: Path, eventually, bus
) -> None:
    broker = make_broker(nats_as("collector"), "collector")
    connection = await broker.connect()
    limit = StreamLimit(broker, subjects.RAW_STREAM)
    before = await limit()

    nats_server.stop()
    with running(nats.server(tmp_path / "nats", nats_server.port, _PASSWORDS, 128 * 1024)):
        await eventually(lambda: connection.is_connected and connection.max_payload != before)
        after = await limit()
        room = await limit.page_room()
    await close(broker)

    assert (before, after) == (DEFAULT, 128 * 1024)
    assert room < after


async def test_a_limit_that_is_a_mistake_makes_pages_wait_and_loses_none(nats_server, nats_as, bus) -> None:
    broker = make_broker(nats_as("collector"), "collector")
    connection = await broker.connect()
    connection._max_payload = 4096
    limit = StreamLimit(broker, subjects.RAW_STREAM)

    with pytest.raises(Unreachable, match=r"takes messages of 4096 bytes only.*raise max_payload"):
        await limit.page_room()
    await close(broker)


async def test_the_streams_own_limit_counts_too(nats_as, bus) -> None:
    owner = make_broker(nats_as("provision"), "provision")
    await owner.connect()
    info = await bus.js.stream_info(subjects.RAW_STREAM)
    await jetstream(owner).update_stream(replace(info.config, max_msg_size=300_000))

    assert await StreamLimit(owner, subjects.RAW_STREAM)() == 300_000
    await close(owner)


async def test_doctor_names_a_small_max_payload(nats_as, mongo_settings, bus) -> None:
    findings = await check(System(nats_as("cli"), mongo_settings))

    [found] = [one for one in findings if one.check == "NATS max_payload"]
    assert (found.grade, found.found) == (
        Grade.WARN,
        "1,048,576 bytes: smaller than a record may be (7,342,080 bytes)",
    )
    assert "max_payload" in found.fix
