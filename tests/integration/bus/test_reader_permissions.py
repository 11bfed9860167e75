"""What a user who may read events can and cannot do to others, on a real nats-server."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import nats as nats_client
import pytest
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from aoc_cli.doctor.streams import of_streams
from aoc_collector.findings import Grade
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import reading
from aoc_common.bus.consumers import READERS
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from reading import events_on_the_bus

STREAM = subjects.EVENTS_STREAM
OF_SERVICES = sum(reader.stream == STREAM for reader in READERS)
API = "$JS.API.CONSUMER"


@pytest.fixture
async def owner(nats_as):
    """JetStream as who owns the streams, with three events on AOC_EVENTS."""
    settings = nats_as("normalizer")
    broker = make_broker(settings, "normalizer")
    await broker.connect()
    js = jetstream(broker)
    await publish_all(js, STREAM, [Outgoing("aoc.events.contoso.x.6003", b"%d" % n, {}) for n in range(3)])
    yield js
    await close(broker)


@asynccontextmanager
async def as_reader(nats_as):
    violations: list[str] = []

    async def note(error: Exception) -> None:
        violations.append(str(error))

    connection = await nats_client.connect(
        nats_as("reader").url, user="reader", password="test-reader", inbox_prefix="_INBOX_reader", error_cb=note
    )
    yield connection, violations
    await connection.close()


async def answered(connection, subject: str, **request: object) -> dict[str, object] | None:
    """The answer of JetStream's API; None when the request was not let through."""
    try:
        return json.loads((await connection.request(subject, json.dumps(request).encode(), timeout=1)).data)
    except NatsError:
        return None


async def consumers(owner) -> int:
    """Beside those of services, which `provision` makes."""
    return (await owner.stream_info(STREAM)).state.consumer_count - OF_SERVICES


async def test_the_reader_makes_no_durable_consumer_by_any_door(owner, nats_as) -> None:
    durable = {"durable_name": "spy", "ack_policy": "none", "deliver_subject": "_INBOX_reader.x"}
    pulled = {"durable_name": "spy", "ack_policy": "explicit"}
    doors = (f"DURABLE.CREATE.{STREAM}.spy", f"CREATE.{STREAM}.spy", f"CREATE.{STREAM}.spy.aoc.events.>")
    async with as_reader(nats_as) as (connection, violations):
        for config in (durable, pulled):
            request = {"stream_name": STREAM, "config": config}
            named = {"stream_name": STREAM, "config": {**config, "name": "spy"}}
            asked = zip(doors, (request, named, named), strict=True)
            told = await asyncio.gather(*(answered(connection, f"{API}.{door}", **one) for door, one in asked))
            assert told == [None] * len(doors)
            refused = await answered(connection, f"{API}.CREATE.{STREAM}", **request)
            assert refused is not None
            assert "expected to be ephemeral" in json.dumps(refused["error"])

    assert await consumers(owner) == 0
    assert len(violations) == 6


async def test_the_reader_touches_nobody_elses_consumer(owner, nats_as) -> None:
    broker = make_broker(nats_as("cli"), "cli")
    await broker.connect()
    config = ConsumerConfig(name="exporter", ack_policy=AckPolicy.EXPLICIT, inactive_threshold=300)
    before = (await jetstream(broker).add_consumer(STREAM, config)).config
    requests: dict[str, dict[str, object]] = {
        f"{API}.DELETE.{STREAM}.exporter": {},
        f"{API}.INFO.{STREAM}.exporter": {},
        f"{API}.LIST.{STREAM}": {},
        f"{API}.NAMES.{STREAM}": {},
        f"{API}.PAUSE.{STREAM}.exporter": {"pause_until": "2030-01-01T00:00:00Z"},
        f"{API}.MSG.NEXT.{STREAM}.exporter": {"batch": 3},
        f"{API}.LEADER.STEPDOWN.{STREAM}.exporter": {},
        f"$JS.ACK.{STREAM}.exporter.1.1.1.1.0": {},
        f"$JS.API.STREAM.PURGE.{STREAM}": {},
        f"$JS.API.STREAM.MSG.GET.{subjects.RAW_STREAM}": {"seq": 1},
    }
    async with as_reader(nats_as) as (connection, violations):
        told = await asyncio.gather(*(answered(connection, subject, **one) for subject, one in requests.items()))
        assert dict(zip(requests, told, strict=True)) == dict.fromkeys(requests)
        same = {"name": "exporter", "ack_policy": "none", "deliver_subject": "_INBOX_reader.x"}
        refused = await answered(connection, f"{API}.CREATE.{STREAM}", stream_name=STREAM, config=same)
        assert refused is not None
        assert "error" in refused

    now = await jetstream(broker).consumer_info(STREAM, "exporter")
    await close(broker)
    assert (now.config.ack_policy, now.config.deliver_subject) == (before.ack_policy, None)
    assert (now.num_pending, now.num_ack_pending) == (3, 0)
    assert len(violations) == len(requests)


async def test_what_a_consumer_of_the_reader_delivers_reaches_no_stream_and_no_api(owner, nats_as) -> None:
    collector = make_broker(nats_as("collector"), "collector")
    await collector.connect()
    page = RawPage("contoso", "import", "s", datetime(2026, 11, 23, tzinfo=UTC), b"[]")
    await publish_all(jetstream(collector), subjects.RAW_STREAM, [Outgoing(page.subject, page.body, page.headers())])
    await close(collector)
    async with as_reader(nats_as) as (connection, _):
        for deliver in (page.subject, f"$JS.API.STREAM.PURGE.{subjects.RAW_STREAM}", f"$JS.API.STREAM.DELETE.{STREAM}"):
            config = {"ack_policy": "none", "deliver_subject": deliver, "deliver_policy": "all"}
            await answered(connection, f"{API}.CREATE.{STREAM}", stream_name=STREAM, config=config)
        await asyncio.sleep(1)

    assert (await owner.stream_info(subjects.RAW_STREAM)).state.messages == 1
    assert (await owner.stream_info(STREAM)).state.messages == 3


@pytest.mark.slow
async def test_an_ordered_consumer_of_nats_py_works_and_leaves_nothing(owner, nats_as, eventually) -> None:
    assert [message.data for message in await events_on_the_bus(nats_as("reader"))] == [b"0", b"1", b"2"]

    async def gone() -> bool:
        return await consumers(owner) == 0

    await eventually(gone, 20)


@pytest.mark.slow
async def test_the_consumers_that_the_reader_leaves_behind_are_bounded_and_reported(owner, nats_as) -> None:
    """They ask to be kept for years: each costs the server memory, and there was no end to them."""
    config = {"ack_policy": "none", "inactive_threshold": 10**17}
    async with as_reader(nats_as) as (connection, _):
        for _ in range(1100):
            answer = await answered(connection, f"{API}.CREATE.{STREAM}", stream_name=STREAM, config=config)
            if "error" in (answer or {}):
                break
    broker = make_broker(nats_as("cli"), "cli")
    await broker.connect()
    told = [one for one in await of_streams("system", broker, nats_as("cli")) if one.check == f"consumers of {STREAM}"]
    await close(broker)
    await publish_all(owner, STREAM, [Outgoing("aoc.events.contoso.x.6003", b"3", {})])

    assert "maximum consumers limit" in json.dumps(answer)
    assert await consumers(owner) == 1000 - OF_SERVICES
    assert [one.grade for one in told] == [Grade.WARN]


async def test_tail_reads_as_before(owner, nats_as) -> None:
    broker = make_broker(nats_as("cli"), "cli")
    await broker.connect()
    async with reading(broker, STREAM, ConsumerConfig(filter_subject="aoc.events.contoso.*.*")) as pull:
        found = await pull.batch(10, 2)
    await close(broker)

    assert [message.data for message in found] == [b"0", b"1", b"2"]
