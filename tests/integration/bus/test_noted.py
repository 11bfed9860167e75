"""What is published on AOC_ALERTS is in its log, whatever happens between the two."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.noted import NotedStream
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.publications import END, Position
from aoc_common.contracts.reading import EventFilter
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.message_log import MongoMessageLog

STREAM = subjects.ALERTS_STREAM


def revision(number: int) -> Outgoing:
    return Outgoing(subjects.alerts("contoso", "high"), b"%d" % number, {"Nats-Msg-Id": f"a:{number}"})


class Fails:
    """A log that is away, or a stream that somebody deletes, when something is noted."""

    def __init__(self, before=None) -> None:
        self.before = before

    async def note(self, messages) -> None:
        raise Unreachable("the store is away")


@pytest.fixture
async def bus(nats_as, database):
    broker, alerter = make_broker(nats_as("provision"), "provision"), make_broker(nats_as("alerter"), "alerter")
    await broker.connect()
    await alerter.connect()
    await provision(broker, nats_as("provision"))

    class Bus:
        js, owner = jetstream(alerter), jetstream(broker)
        log = MongoMessageLog(database, STREAM)

        async def remake(self) -> None:
            await self.owner.delete_stream(STREAM)
            await provision(broker, nats_as("provision"))

        async def noted(self) -> list[tuple[str, int, bytes]]:
            after, found = Position("", 0), []
            while after is not None:
                portion = await self.log.portion(after, Position("9", END), EventFilter(), 100)
                found += [(one.incarnation, one.sequence, one.body) for one in portion.messages]
                after = portion.after
            return found

    yield Bus()
    await close(broker)
    await close(alerter)


async def test_who_died_between_the_two_publishes_again_and_notes_the_place_where_it_stood(bus) -> None:
    with pytest.raises(Unreachable):
        await NotedStream(STREAM, Fails(), SystemClock()).publish(bus.js, [revision(1), revision(2)])
    assert await bus.noted() == []
    await NotedStream(STREAM, bus.log, SystemClock()).publish(bus.js, [revision(1), revision(2), revision(3)])

    assert [(sequence, body) for _, sequence, body in await bus.noted()] == [(1, b"1"), (2, b"2"), (3, b"3")]
    assert (await bus.owner.stream_info(STREAM)).state.messages == 3


async def test_a_stream_that_is_made_anew_is_another_one(bus) -> None:
    noted = NotedStream(STREAM, bus.log, SystemClock())
    await noted.publish(bus.js, [revision(1)])
    await bus.remake()
    # It stood in the one that is gone, as far as anybody knows: it is published on the new one, too.
    await noted.publish(bus.js, [revision(2)])
    first, second = await bus.noted()

    assert (first[1:], second[1:]) == ((1, b"1"), (1, b"2"))
    assert first[0] < second[0] < datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


async def test_while_there_is_no_stream_nothing_is_noted(bus) -> None:
    await bus.owner.delete_stream(STREAM)
    with pytest.raises(Unreachable):
        await NotedStream(STREAM, bus.log, SystemClock()).publish(bus.js, [revision(1)])
    assert await bus.noted() == []
