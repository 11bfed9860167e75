"""What somebody else changes of streams and consumers is told truly, mended by `provision`, and does no harm before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from nats.js.api import DiscardPolicy, SubjectTransform

from aoc_cli.doctor.streams import of_streams
from aoc_collector.findings import Grade
from aoc_common.bus import consumers
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import check_consumer, consuming
from aoc_common.bus.streams import check_streams
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration, Unreachable
from killing import killed_at_every_request
from provisioning import provision_all

if TYPE_CHECKING:
    from nats.js import JetStreamContext

PAGE = subjects.raw("contoso", "graph-signins")
MINE = consumers.NORMALIZER[subjects.partition("contoso", "graph-signins")]


@pytest.fixture
async def broker(nats_as):
    made = make_broker(nats_as("provision"), "provision")
    await made.connect()
    yield made
    await close(made)


@pytest.fixture
def order(broker, nats_on):
    """What doctor says about streams and consumers."""

    async def find():
        return next(one for one in await of_streams("system", broker, nats_on("provision")) if "consumers" in one.check)

    return find


async def change(js: JetStreamContext, **fields: object) -> None:
    """As an operator's `nats consumer edit` does."""
    found = (await js.consumer_info(MINE.stream, MINE.durable)).config
    await js.add_consumer(MINE.stream, replace(found, **fields))


async def given(js: JetStreamContext, count: int = 1) -> list[bytes]:
    subscription = await js.pull_subscribe_bind(durable=MINE.durable, stream=MINE.stream)
    try:
        return [message.data for message in await subscription.fetch(count, timeout=2)]
    except TimeoutError:
        return []
    finally:
        await subscription.unsubscribe()


async def test_settings_of_somebody_else_do_not_make_a_stream_forget_sooner_unless_told(broker, nats_on) -> None:
    """An operator whose shell lacks the setting would have dropped what readers have not read yet."""
    month, days = 30 * 86400, 3 * 86400
    js, settings = jetstream(broker), nats_on("provision")
    await provision_all(broker, settings.model_copy(update={"events_max_age_s": month}))
    kept = await provision_all(broker, settings.model_copy(update={"events_max_age_s": days}))
    before = (await js.stream_info(subjects.EVENTS_STREAM)).config.max_age
    await check_streams(js, settings, [subjects.EVENTS_STREAM])  # does not stop a service
    told = await provision_all(broker, settings.model_copy(update={"events_max_age_s": days}), reduce=True)
    after = (await js.stream_info(subjects.EVENTS_STREAM)).config.max_age

    assert (before, after) == (month, days)
    assert ["max_age" in line and "--reduce" in line for line in kept] == [True]
    assert ["max_age" in line and "changed" in line for line in told] == [True]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"max_msgs": 2},
        {"no_ack": True},
        {"allow_rollup_hdrs": True},
        {"subject_transform": SubjectTransform("aoc.raw.>", "lost.>")},
    ],
)
async def test_what_somebody_added_to_a_stream_is_grave_and_taken_away(broker, nats_on, order, fields) -> None:
    js, settings = jetstream(broker), nats_on("provision")
    config = (await js.stream_info(subjects.RAW_STREAM)).config
    await js.update_stream(replace(config, **fields))
    with pytest.raises(BadConfiguration, match=next(iter(fields))):
        await check_streams(js, settings, [subjects.RAW_STREAM])
    found = await order()
    await provision_all(broker, settings)

    assert (found.grade, next(iter(fields)) in found.found) == (Grade.FAIL, True)
    assert (await order()).grade is Grade.OK
    await js.publish(PAGE, b"[]", timeout=2)
    assert await given(js) == [b"[]"]


async def test_how_full_a_stream_is_is_told_by_what_somebody_made_of_it(broker, nats_on) -> None:
    js = jetstream(broker)
    config = (await js.stream_info(subjects.RAW_STREAM)).config
    await js.update_stream(replace(config, max_bytes=100_000))
    await js.publish(PAGE, b"x" * 90_000)
    found = {one.check: one for one in await of_streams("system", broker, nats_on("provision"))}

    assert found["stream AOC_RAW"].grade is Grade.WARN


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [{"max_deliver": 2}, {"headers_only": True}, {"inactive_threshold": 60.0}, {"backoff": [1.0], "max_deliver": 2}],
)
async def test_a_consumer_that_somebody_changed_stops_a_start_and_is_made_anew(broker, nats_on, order, fields) -> None:
    js = jetstream(broker)
    await change(js, **fields)
    with pytest.raises(BadConfiguration, match=next(iter(fields))):
        await check_consumer(js, MINE)
    found = await order()
    await provision_all(broker, nats_on("provision"))

    assert (found.grade, next(iter(fields)) in found.found) == (Grade.FAIL, True)
    await check_consumer(js, MINE)
    assert (await order()).grade is Grade.OK


@pytest.mark.slow
@pytest.mark.parametrize("put_back", [False, True])
async def test_what_a_limit_of_deliveries_left_behind_comes_again(broker, nats_on, order, put_back) -> None:
    """Also when somebody has taken the limit away since: the server does not take up again what it gave up."""
    js = jetstream(broker)
    await change(js, max_deliver=1, ack_wait=0.1)
    await js.publish(PAGE, b"[1]")
    assert await given(js) == [b"[1]"]
    assert await given(js) == []
    if put_back:
        await js.add_consumer(MINE.stream, MINE.config())
        assert await given(js) == []
    found = await order()
    await provision_all(broker, nats_on("provision"))

    assert found.grade is Grade.FAIL
    assert await given(js) == [b"[1]"]
    assert (await order()).grade is Grade.OK


async def test_a_pause_is_told_and_ended(broker, nats_on, order) -> None:
    js = jetstream(broker)
    await js._api_request(
        f"$JS.API.CONSUMER.PAUSE.{MINE.stream}.{MINE.durable}", b'{"pause_until":"2099-01-01T00:00:00Z"}'
    )
    found = await order()
    await check_consumer(js, MINE)  # does not stop a start
    await provision_all(broker, nats_on("provision"))
    await js.publish(PAGE, b"[]")

    assert (found.grade, "paused" in found.found) == (Grade.WARN, True)
    assert await given(js) == [b"[]"]


async def test_a_message_without_its_body_is_no_empty_page(broker, nats_as, eventually) -> None:
    """Changed while the normalizer runs: it would have settled, and so removed, what it has never seen."""
    js, handled = jetstream(broker), []
    normalizer = make_broker(nats_as("normalizer"), "normalizer")
    await normalizer.connect()

    async def handler(messages) -> None:
        handled.extend(message.data for message in messages)

    async with consuming(normalizer, MINE, handler) as working:
        await change(js, headers_only=True)
        await js.publish(PAGE, b"[1]")
        await eventually(lambda: not working())
        state = (await js.stream_info(MINE.stream)).state
        assert (handled, state.messages) == ([], 1)
        await provision_all(broker, nats_as("provision"))
        await eventually(lambda: bool(handled))
    await close(normalizer)

    assert handled == [b"[1]"]


async def test_a_queue_that_drops_what_is_old_is_grave(broker, nats_on, order) -> None:
    js = jetstream(broker)
    config = (await js.stream_info(subjects.RAW_STREAM)).config
    await js.update_stream(replace(config, discard=DiscardPolicy.OLD, max_age=3600))
    found = await order()

    assert found.grade is Grade.FAIL


async def test_what_waits_and_what_is_in_work_is_not_left_behind(broker, nats_on) -> None:
    js = jetstream(broker)
    for number in range(5):
        await js.publish(PAGE, b"%d" % number)
    assert len(await given(js, 2)) == 2

    assert await provision_all(broker, nats_on("provision")) == []


async def test_a_consumer_is_looked_at_as_it_was_made(broker) -> None:
    js = jetstream(broker)
    for consumer in consumers.ALL:
        assert list(consumer.differences(await js.consumer_info(consumer.stream, consumer.durable))) == []


async def test_provision_that_runs_several_times_at_once_is_made_good_by_the_next(broker, nats_on, order) -> None:
    js, settings = jetstream(broker), nats_on("provision")
    await js.delete_stream(subjects.DLQ_STREAM)
    await change(js, headers_only=True)
    await js.publish(PAGE, b"[1]")
    # The server may refuse one that deletes what another makes: that is said, and no more.
    refused = await asyncio.gather(*(provision_all(broker, settings) for _ in range(4)), return_exceptions=True)
    await provision_all(broker, settings)

    assert all(isinstance(one, list | Unreachable) for one in refused)
    assert (await order()).grade is Grade.OK
    assert await given(js) == [b"[1]"]


@pytest.mark.slow
async def test_provision_that_is_killed_at_any_step_is_made_good_by_the_next(
    broker, nats_on, order, monkeypatch
) -> None:
    js, settings = jetstream(broker), nats_on("provision")
    await js.delete_stream(subjects.DLQ_STREAM)
    config = (await js.stream_info(subjects.EVENTS_STREAM)).config
    await js.update_stream(replace(config, allow_atomic=False))
    await change(js, max_deliver=1, ack_wait=0.1)
    await js.publish(PAGE, b"[1]")
    assert await given(js) == [b"[1]"]
    await killed_at_every_request(js, monkeypatch, lambda: provision_all(broker, settings), 500)

    assert (await order()).grade is Grade.OK
    assert await given(js) == [b"[1]"]
