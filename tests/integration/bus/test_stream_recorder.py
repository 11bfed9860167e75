"""What `aoc verify` knows of AOC_EVENTS outlives the stream."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import stamina

from aoc_cli.verify.bus_faults import recreate
from aoc_cli.verify.stream_recorder import StreamRecorder
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, Transient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from faststream.nats import NatsBroker

SUBJECT = subjects.events("contoso", "graph-signins", 3002)


@asynccontextmanager
async def connected(nats_as, user: str) -> AsyncIterator[NatsBroker]:
    broker = make_broker(nats_as(user), user)
    await broker.connect()
    try:
        yield broker
    finally:
        await close(broker)


@pytest.fixture
async def operator(nats_as):
    async with connected(nats_as, "provision") as broker:
        await recreate(broker, nats_as("provision"), [subjects.EVENTS_STREAM])
        yield broker


@pytest.fixture
async def normalizer(nats_as, operator):
    async with connected(nats_as, "normalizer") as broker:
        yield broker


@pytest.fixture
async def recorder(nats_as, operator):
    async with connected(nats_as, "cli") as broker:
        recorder = StreamRecorder(broker)
        task = asyncio.create_task(recorder.run())
        yield recorder
        task.cancel()


async def publish(broker: NatsBroker, *ids: str) -> None:
    messages = [Outgoing(SUBJECT, b"{}", {"Nats-Msg-Id": item}) for item in ids]
    async for attempt in stamina.retry_context(on=Transient, attempts=10):
        with attempt:
            await publish_all(jetstream(broker), subjects.EVENTS_STREAM, messages, timeout_s=2)


async def test_what_was_on_a_stream_that_is_deleted_and_made_anew_stays_known(
    nats_as, operator, normalizer, recorder
) -> None:
    await publish(normalizer, "a", "b")
    await recorder.caught_up(20)
    await jetstream(operator).delete_stream(subjects.EVENTS_STREAM)
    await recreate(operator, nats_as("provision"), [subjects.EVENTS_STREAM])
    await publish(normalizer, "b", "c", "c:digest")
    await recorder.caught_up(20)

    assert [(message.message_id, message.incarnation) for message in recorder.messages] == [
        ("a", 0),
        ("b", 0),
        ("b", 1),
        ("c", 1),
        ("c:digest", 1),
    ]
    assert recorder.missed == 0


@pytest.mark.slow
async def test_a_server_that_is_killed_is_read_on_from_where_the_watcher_was(
    nats_server, normalizer, recorder, eventually
) -> None:
    await publish(normalizer, "a")
    await recorder.caught_up(20)
    nats_server.kill()
    nats_server.start()
    nats_server.wait_ready()
    await eventually(lambda: normalizer._connection.is_connected)
    await publish(normalizer, "b")
    await recorder.caught_up(20)

    assert [(message.message_id, message.incarnation) for message in recorder.messages] == [("a", 0), ("b", 0)]


async def test_messages_that_nobody_could_read_are_counted(operator, normalizer, nats_as) -> None:
    await publish(normalizer, "a", "b", "c")
    await jetstream(operator).purge_stream(subjects.EVENTS_STREAM, keep=1)
    async with connected(nats_as, "cli") as broker:
        recorder = StreamRecorder(broker)
        task = asyncio.create_task(recorder.run())
        await recorder.caught_up(20)
        task.cancel()

    assert ([message.message_id for message in recorder.messages], recorder.missed) == (["c"], 2)


async def test_a_watcher_that_cannot_read_says_so(operator, recorder) -> None:
    await recorder.caught_up(20)
    await jetstream(operator).delete_stream(subjects.EVENTS_STREAM)

    with pytest.raises(AocError, match="AOC_EVENTS was not read to its end within 1 s"):
        await recorder.caught_up(1)


async def test_a_message_that_was_taken_out_of_the_middle_is_missed_and_holds_up_nothing(
    nats_as, operator, normalizer
) -> None:
    await publish(normalizer, "a", "b", "c")
    await jetstream(operator).delete_msg(subjects.EVENTS_STREAM, 2)
    async with connected(nats_as, "cli") as broker:
        recorder = StreamRecorder(broker)
        task = asyncio.create_task(recorder.run())
        await recorder.caught_up(20)
        task.cancel()

    assert ([message.message_id for message in recorder.messages], recorder.missed) == (["a", "c"], 1)


async def test_what_a_consumer_passes_over_is_asked_for_anew(nats_as, operator, normalizer) -> None:
    async with connected(nats_as, "cli") as broker:
        recorder = StreamRecorder(broker)
        await publish(normalizer, "a", "b", "c")
        task = asyncio.create_task(recorder.run())
        await recorder.caught_up(20)
        # A server that was killed had sent the last two, and nobody got them.
        recorder._next, recorder.messages = 2, recorder.messages[:1]
        await recorder.caught_up(20)
        task.cancel()

    assert [message.message_id for message in recorder.messages] == ["a", "b", "c"]
