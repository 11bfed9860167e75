"""Streams and consumers have one owner; services only look."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nats.js.api import RetentionPolicy

from aoc_common.bus import consumers
from aoc_common.bus.broker import close, connected_broker, connection, jetstream, make_broker
from aoc_common.bus.lag import bus_state
from aoc_common.bus.provision import report
from aoc_common.bus.streams import check_streams, declarations
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration
from provisioning import provision_all

RAW = [subjects.RAW_STREAM]


@pytest.fixture
async def broker(nats_on):
    made = make_broker(nats_on("provision"), "provision")
    await made.connect()
    yield made
    await close(made)


async def test_everything_is_made_once(broker, nats_on) -> None:
    first = await provision_all(broker, nats_on("provision"))
    again = await provision_all(broker, nats_on("provision"))
    made = [await jetstream(broker).consumer_info(one.stream, one.durable) for one in consumers.ALL]

    assert first == [f"{name}: made, with its consumers" for name in declarations(nats_on("provision"))]
    assert [one.name for one in made] == [one.durable for one in consumers.ALL]
    assert again == []


async def test_14_a_size_and_a_number_of_replicas_are_not_made_less_unless_told(broker, nats_on) -> None:
    settings = nats_on("provision")
    small = settings.model_copy(update={"raw_max_bytes": 1024**2})
    await provision_all(broker, settings, only=RAW)
    kept = await provision_all(broker, small, only=RAW)
    before = (await jetstream(broker).stream_info(subjects.RAW_STREAM)).config.max_bytes
    told = await provision_all(broker, small, only=RAW, reduce=True)
    after = (await jetstream(broker).stream_info(subjects.RAW_STREAM)).config.max_bytes
    back = await provision_all(broker, settings, only=RAW)

    assert (before, after) == (1024**3, 1024**2)
    assert "kept" in kept[0]
    assert told == back == [line for line in (*told, *back) if "changed" in line][:1] or len(told) == len(back) == 1


async def test_14_a_service_that_starts_changes_nothing_and_names_what_differs(broker, nats_on) -> None:
    settings = nats_on("provision")
    await provision_all(broker, settings)
    other = settings.model_copy(update={"raw_max_bytes": 5 * 1024**2, "replicas": 1})
    found = await check_streams(jetstream(broker), other, RAW)
    after = (await jetstream(broker).stream_info(subjects.RAW_STREAM)).config.max_bytes

    assert [(one.field, one.actual, one.declared) for one in found] == [("max_bytes", 1024**3, 5 * 1024**2)]
    assert after == 1024**3


async def test_a_stream_that_is_not_there_stops_a_start_with_one_line(broker, nats_on) -> None:
    with pytest.raises(BadConfiguration, match="AOC_RAW: there is no such stream; run: aoc provision"):
        await check_streams(jetstream(broker), nats_on("provision"), RAW)


async def test_what_somebody_else_changed_is_named_and_mended(broker, nats_on) -> None:
    """An old client's `update_stream` drops fields that it does not know."""
    settings, js = nats_on("provision"), jetstream(broker)
    await provision_all(broker, settings)
    config = (await js.stream_info(subjects.EVENTS_STREAM)).config
    await js.update_stream(replace(config, allow_atomic=False, description="theirs"))
    with pytest.raises(BadConfiguration, match="allow_atomic is False, declared is True; run: aoc provision"):
        await check_streams(js, settings, [subjects.EVENTS_STREAM])
    await provision_all(broker, settings)
    after = (await js.stream_info(subjects.EVENTS_STREAM)).config

    assert (after.allow_atomic, after.description) == (True, "theirs")
    assert await check_streams(js, settings, [subjects.EVENTS_STREAM]) == []


async def test_another_kind_of_stream_is_not_changed_but_named(broker, nats_on) -> None:
    js = jetstream(broker)
    await js.add_stream(name=subjects.RAW_STREAM, subjects=["aoc.raw.*.*"], retention=RetentionPolicy.LIMITS)
    with pytest.raises(BadConfiguration, match="aoc provision --migrate"):
        await provision_all(broker, nats_on("provision"))

    assert (await js.stream_info(subjects.RAW_STREAM)).config.retention == RetentionPolicy.LIMITS


async def test_2_settled_pages_leave_the_stream_so_its_size_bounds_what_waits(broker, nats_on) -> None:
    """A stream of 1 MiB takes 4 MiB of pages, as long as they are settled."""
    settings, js = nats_on("provision").model_copy(update={"raw_max_bytes": 1024**2}), jetstream(broker)
    await provision_all(broker, settings)
    subject = subjects.raw("contoso", "graph-signins")
    durable = consumers.NORMALIZER[subjects.partition("contoso", "graph-signins")].durable
    pull = await js.pull_subscribe_bind(durable=durable, stream=subjects.RAW_STREAM)
    for number in range(16):
        await js.publish(subject, b"x" * 256 * 1024, headers={"Nats-Msg-Id": f"{number}"})
        [message] = await pull.fetch(1)
        await message.ack_sync()

    assert (await js.stream_info(subjects.RAW_STREAM)).state.messages == 0


async def test_a_stream_that_keeps_what_is_settled_has_nothing_that_was_given_up(broker, nats_on) -> None:
    """Else the doctor failed for good from the first alert on, and each `provision` made its consumer anew."""
    settings = nats_on("provision")
    await provision_all(broker, settings)
    async with connected_broker(nats_on("alerter"), "alerter") as alerter:
        await jetstream(alerter).publish(subjects.alerts("contoso", "high"), b"{}")
    pull = await jetstream(broker).pull_subscribe_bind(durable=consumers.NOTIFIER.name, stream=subjects.ALERTS_STREAM)
    [message] = await pull.fetch(1)
    await message.ack_sync()
    found = await report(broker, settings)
    [lag] = (await bus_state(connection(broker), [consumers.NOTIFIER.consumer])).lags

    assert (found, await provision_all(broker, settings)) == ([], [])
    assert (lag.lag, lag.oldest) == (0, None)
