"""Heartbeats and lag on a real nats-server: who may write them, what they hold, how standstills are seen."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import nats as nats_client
import pytest
from structlog.testing import capture_logs

from aoc_common.bus import consumers
from aoc_common.bus.broker import close, connection, jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.lag import bus_state
from aoc_common.contracts import subjects
from aoc_common.errors import Unreachable
from aoc_common.service.heartbeat import beating
from aoc_common.service.standstill import assess
from aoc_common.telemetry.pulse import Pulse
from each import each

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PAGE = subjects.raw("contoso", "graph-signins")
MINE = replace(consumers.NORMALIZER[subjects.partition("contoso", "graph-signins")], still_after_s=0.5)
OF = (MINE, consumers.COLLECT)
SERVICES = ("collector", "normalizer", "api")


@pytest.fixture
async def as_user(nats_as) -> AsyncIterator[Callable[[str], Awaitable]]:
    """`await as_user("api")`: a broker of that user."""
    async with AsyncExitStack() as stack:

        async def connected(user: str):
            broker = make_broker(nats_as(user), user)
            await broker.connect()
            stack.push_async_callback(close, broker)
            return broker

        yield connected


@each(
    ("user", "subject"),
    [
        *((user, f"aoc.beats.{of}.x") for user in SERVICES for of in SERVICES if user != of),
        *((user, "aoc.beats.normalizer.x") for user in ("cli", "operator", "reader")),
        *((user, "$JS.API.STREAM.PURGE.AOC_BEATS") for user in (*SERVICES, "cli")),
        ("api", "$JS.API.STREAM.MSG.GET.AOC_RAW"),
        ("api", "$JS.API.DIRECT.GET.AOC_RAW"),
        ("api", "$JS.API.CONSUMER.MSG.NEXT.AOC_RAW.normalizer-0"),
    ],
)
async def test_a_service_writes_its_own_signs_of_life_only_and_who_looks_sees_no_page(
    nats_as, eventually, user, subject
) -> None:
    settings, errors = nats_as(user), []

    async def on_error(error: Exception) -> None:
        errors.append(str(error).lower())

    client = await nats_client.connect(
        settings.url, user=user, password=f"test-{user}", error_cb=on_error, inbox_prefix=f"_INBOX_{user}"
    )
    await client.publish(subject, b"{}")
    await client.flush()
    await eventually(lambda: any("permissions violation" in error for error in errors))
    await client.close()


@pytest.mark.parametrize("user", ["api", "cli"])
async def test_a_look_tells_who_runs_what_waits_and_who_left(as_user, eventually, user) -> None:
    normalizer, looker = await as_user("normalizer"), connection(await as_user(user))
    await jetstream(await as_user("collector")).publish(PAGE, b"[]")
    async with beating(normalizer, "normalizer", Pulse()) as instance:

        async def beaten() -> bool:
            return bool((await bus_state(looker, OF)).seen)

        await eventually(beaten)
        found = await bus_state(looker, OF)
    after = await bus_state(looker, OF)

    jobs, lag = found.lags
    assert (lag.waiting, lag.in_work, jobs.lag) == (1, 0, 0)
    assert lag.oldest is not None
    assert abs((found.at - lag.oldest).total_seconds()) < 20
    assert [(one.service, one.instance, one.beat.leaving) for one in found.seen] == [("normalizer", instance, False)]
    assert [(one.instance, one.beat.leaving) for one in after.seen] == [(instance, True)]


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
async def test_an_alive_process_whose_batch_never_returns_or_whose_every_try_fails_stands_still(
    as_user, eventually, fails
) -> None:
    normalizer, looker = await as_user("normalizer"), connection(await as_user("api"))
    ends, pulse = asyncio.Event(), Pulse()

    async def handler(_messages) -> None:
        if fails and not ends.is_set():
            raise Unreachable("the database is away")
        await ends.wait()

    async def still():
        return assess(await bus_state(looker, OF)).standstills

    async with beating(normalizer, "normalizer", pulse, 0.1), consuming(normalizer, MINE, handler, pulse=pulse):
        assert await still() == ()
        await jetstream(await as_user("collector")).publish(PAGE, b"[]")

        async def said():
            return bool(await still())

        await eventually(said)
        [found] = await still()
        ends.set()

        async def well():
            return not await still()

        await eventually(well)

    assert found.who == f"normalizer, consumer {MINE.durable}"
    assert ("Unreachable: the database is away" if fails else "nothing moves in them") in found.message


async def test_a_bus_without_the_stream_of_beats_stops_no_service_and_is_told(as_user, eventually) -> None:
    """As it is after an update of the services, before `aoc provision`."""
    await jetstream(await as_user("provision")).delete_stream(subjects.BEATS_STREAM)
    normalizer, looker = await as_user("normalizer"), connection(await as_user("api"))
    with capture_logs() as logged:
        async with beating(normalizer, "normalizer", Pulse(), 0.05):
            await eventually(lambda: bool(logged))
            await asyncio.sleep(0.2)  # four more beats, of which no other is told
            found = await bus_state(looker, OF)

    assert found.missing == (subjects.BEATS_STREAM,)
    assert [one["event"] for one in logged].count("heartbeat.failed") == 1


async def test_a_bus_that_does_not_answer_is_unreachable_within_a_bounded_time(as_user, nats_server) -> None:
    looker = connection(await as_user("api"))
    nats_server.kill()
    try:
        async with asyncio.timeout(15):
            with pytest.raises(Unreachable):
                await bus_state(looker, OF)
    finally:
        nats_server.start()
        with suppress(Exception):
            nats_server.wait_ready()
