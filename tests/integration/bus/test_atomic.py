"""A page's events stand in AOC_EVENTS once, whoever publishes them, however often and however late."""

from __future__ import annotations

import asyncio

import pytest
from nats.js.api import ConsumerConfig

from aoc_common.bus.atomic import EventPublisher, PageEvents
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import reading
from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.errors import Permanent, Transient, Unreachable

SUBJECT = subjects.events("contoso", "graph-signins", 3002)


def events(*names: object, size: int = 10) -> list[Outgoing]:
    return [Outgoing(SUBJECT, b"x" * size, {"Nats-Msg-Id": f"{name}"}) for name in names]


@pytest.fixture
async def owner(nats_as):
    broker = make_broker(nats_as("provision"), "provision")
    await broker.connect()
    js = jetstream(broker)
    # The shortest memory of ids that there is: nothing here rests on it.
    config = (await js.stream_info(subjects.EVENTS_STREAM)).config
    config.duplicate_window = 0.1
    await js.update_stream(config)
    yield js
    await close(broker)


@pytest.fixture
async def publishers(nats_as, owner):
    brokers = [make_broker(nats_as("normalizer"), "normalizer") for _ in range(2)]
    for broker in brokers:
        await broker.connect()
    yield [EventPublisher(broker) for broker in brokers]
    for broker in brokers:
        await close(broker)


@pytest.fixture
def published(nats_as):
    async def read() -> list[str]:
        broker = make_broker(nats_as("cli"), "cli")
        await broker.connect()
        found: list[str] = []
        async with reading(broker, subjects.EVENTS_STREAM, ConsumerConfig(filter_subject=subjects.ALL_EVENTS)) as pull:
            while messages := await pull.batch(1000, 0.3):
                found += [message.headers["Nats-Msg-Id"] for message in messages]
        await close(broker)
        return found

    return read


async def test_11_a_page_that_comes_back_after_the_memory_of_ids_is_not_published_again(publishers, published) -> None:
    one, other = publishers
    [before] = await one.publish([PageEvents("p", events(*range(100)))])
    await asyncio.sleep(0.3)
    [after] = await other.publish([PageEvents("p", events(*range(100)), returned=True)])

    assert (before.already_published, after.already_published) == (0, 100)
    assert before.ranges == after.ranges == ((1, 100),)
    assert sorted(await published(), key=int) == [str(number) for number in range(100)]


async def test_a_replica_that_wakes_up_after_another_took_its_page_over_publishes_nothing(
    publishers, published
) -> None:
    """It does not know that its page was taken over: for it this is the first time."""
    awake, asleep = publishers
    await awake.publish([PageEvents("p", events("a", "b"), returned=True)])
    await asyncio.sleep(0.3)
    [late] = await asleep.publish([PageEvents("p", events("a", "b"))])

    assert late.already_published == 2
    assert await published() == ["a", "b"]


async def test_of_a_page_that_was_published_in_part_the_rest_is_published(publishers, published) -> None:
    one, other = publishers
    await one.publish([PageEvents("p", events("a", "b"))])
    await asyncio.sleep(0.3)
    [rest] = await other.publish([PageEvents("p", events("b", "c", "a"), returned=True)])

    assert rest.already_published == 2
    assert await published() == ["a", "b", "c"]


async def test_two_replicas_at_once_publish_a_page_once(publishers, published) -> None:
    pages = [PageEvents(f"p{number}", events(*(f"{number}-{one}" for one in range(30)))) for number in range(20)]
    await asyncio.gather(*(publisher.publish(pages) for publisher in publishers))

    found = await published()
    assert (len(found), len(set(found))) == (600, 600)


async def test_a_page_of_more_than_a_batch_holds_is_published_in_several(publishers, published, owner) -> None:
    one, other = publishers
    [many] = await one.publish([PageEvents("p", events(*range(2500)))])
    [large] = await one.publish([PageEvents("q", events(*"abcde", size=1_500_000))])
    await asyncio.sleep(0.3)
    [again] = await other.publish([PageEvents("p", events(*range(2500)), returned=True)])

    assert sum(last - first + 1 for first, last in many.ranges) == 2500
    assert [last - first + 1 for first, last in large.ranges] == [2, 2, 1]
    assert (again.already_published, again.ranges) == (2500, many.ranges)
    assert len(await published()) == 2505
    for first, last in many.ranges:
        ids = [(await owner.get_msg(subjects.EVENTS_STREAM, number)).headers["Nats-Msg-Id"] for number in (first, last)]
        assert ids in (["0", "998"], ["999", "1997"], ["1998", "2499"])


async def test_12_on_a_stream_that_was_made_anew_a_page_is_published_again(publishers, published, owner) -> None:
    one, _ = publishers
    await one.publish([PageEvents("p", events("a"))])
    config = (await owner.stream_info(subjects.EVENTS_STREAM)).config
    await owner.delete_stream(subjects.EVENTS_STREAM)
    await owner.add_stream(config)
    [again] = await one.publish([PageEvents("p", events("a"), returned=True)])

    assert again.already_published == 0
    assert await published() == ["a"]


async def test_an_acknowledgement_that_gets_lost_is_looked_up(publishers, published, monkeypatch) -> None:
    one, _ = publishers
    asked = one._connection.request

    async def lost(subject, *args, **options):
        answer = await asked(subject, *args, **options)
        if subject.startswith("aoc.marks."):
            raise TimeoutError
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(one._connection, "request", lost)
        with pytest.raises(Unreachable):
            await one.publish([PageEvents("p", events("a", "b"))])
    await asyncio.sleep(0.3)
    [again] = await one.publish([PageEvents("p", events("a", "b"), returned=True)])

    assert again.already_published == 2
    assert await published() == ["a", "b"]


async def test_a_stream_that_takes_no_batches_is_named_and_nothing_is_published(publishers, published, owner) -> None:
    """An `update_stream` of an older client switches them off without a word."""
    one, _ = publishers
    config = (await owner.stream_info(subjects.EVENTS_STREAM)).config
    config.allow_atomic = False
    await owner.update_stream(config)
    with pytest.raises(Transient, match="aoc provision"):
        await one.publish([PageEvents("p", events("a"))])

    assert await published() == []


async def test_a_message_over_the_server_s_limit_is_refused_for_good_and_takes_no_other_with_it(
    publishers, published
) -> None:
    one, _ = publishers
    with pytest.raises(Permanent, match="more than the server takes"):
        await one.publish([PageEvents("p", events("a", size=9_000_000))])
    await one.publish([PageEvents("q", events("b"))])

    assert await published() == ["b"]


async def test_after_a_reconnect_to_an_older_server_nothing_is_published(publishers, published) -> None:
    """It does not know batches: it would store event by event, again at each try, and refuse the mark alone."""
    one, _ = publishers
    one._connection._current_server.server_version = "2.11.9"
    with pytest.raises(Transient, match=r"2\.11\.9 is too old"):
        await one.publish([PageEvents("p", events("a"))])

    assert await published() == []
