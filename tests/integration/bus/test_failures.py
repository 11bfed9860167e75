"""What becomes of messages that cannot be handled, on a real nats-server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import structlog

from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.policy import MAX_DEFECTS, Failures
from aoc_common.bus.provision import provision
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import Malformed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nats.aio.msg import Msg

    from aoc_common.contracts.dead_letters import DeadLetter
    from aoc_common.settings import NatsSettings


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("aoc_common.bus.policy.backoff", lambda *_: 0.02)
    monkeypatch.setattr("aoc_common.bus.policy._HALTED_DELAY_S", 0.05, raising=False)
    with structlog.testing.capture_logs():  # hundreds of tracebacks take longer than the work
        yield


@asynccontextmanager
async def running(settings: NatsSettings, handler, failures: Failures):
    broker = make_broker(settings, "normalizer")
    await broker.connect()
    # As the normalizer does.
    in_batches = [replace(one, batch=32) for one in consumers.NORMALIZER]
    async with consuming(broker, in_batches, handler, failures=failures):
        yield jetstream(broker)
    await broker.stop()


@asynccontextmanager
async def publisher(settings: NatsSettings):
    broker = make_broker(settings, "collector")
    await broker.connect()
    yield jetstream(broker)
    await broker.stop()


def page(number: int, tenant: str = "contoso") -> Outgoing:
    headers = {"Nats-Msg-Id": f"{tenant}{number}", "Aoc-Tenant": tenant}
    return Outgoing(subjects.raw(tenant, "graph-signins"), b"[%d]" % number, headers)


async def letters(js) -> int:
    return (await js.stream_info(subjects.DLQ_STREAM)).state.messages


async def settled(js) -> bool:
    return not (await js.stream_info(subjects.RAW_STREAM)).state.messages


async def over(js, tries: Sequence[object], enough: int) -> bool:
    """Whether the message was given up, or tried often enough. (One that waits for its next delivery is nowhere.)"""
    return await letters(js) > 0 or len(tries) >= enough


async def test_a_page_that_met_outages_before_is_not_given_up_at_its_first_defect(eventually, nats_as) -> None:
    tries: list[str] = []

    async def handler(messages: Sequence[Msg]) -> None:
        tries.append("try")
        if len(tries) <= 6:
            raise Unreachable("the store is away")
        if len(tries) == 7:
            raise ZeroDivisionError("a race of ours")

    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer")) as own,
    ):
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: len(tries) >= 7)
        await eventually(lambda: over(own, tries, 8))
        given_up = await letters(own)

    assert (given_up, len(tries)) == (0, 8)


async def test_outages_between_defects_do_not_count_and_enough_defects_do(eventually, nats_as) -> None:
    tries: list[int] = []

    async def handler(messages: Sequence[Msg]) -> None:
        tries.append(1)
        if len(tries) % 2:
            raise Unreachable("away")
        raise ZeroDivisionError("ours")

    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer")) as own,
    ):
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: over(own, tries, 2 * MAX_DEFECTS + 1))
        given_up = await letters(own)

    assert (given_up, len(tries)) == (1, 2 * MAX_DEFECTS)


async def test_a_defect_in_a_batch_counts_for_the_message_that_has_it_only(eventually, nats_as) -> None:
    handled: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        if any(message.data == b"[3]" for message in messages):
            raise ZeroDivisionError("three")
        handled.extend(message.data for message in messages)

    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer")) as own,
    ):
        await publish_all(js, subjects.RAW_STREAM, [page(number) for number in range(8)])
        await eventually(lambda: over(own, (), 1))
        given_up = await letters(own)

    assert given_up == 1
    assert sorted(handled) == [b"[%d]" % number for number in range(8) if number != 3]


async def test_a_page_that_fails_for_the_time_being_again_and_again_does_not_hold_up_its_batch(
    eventually, nats_as
) -> None:
    handled: list[bytes] = []
    mended = asyncio.Event()

    async def handler(messages: Sequence[Msg]) -> None:
        if not mended.is_set() and any(message.data in {b"[3]", b"[4]"} for message in messages):
            raise Unreachable("others keep changing what it compares")
        handled.extend(message.data for message in messages)

    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer")) as own,
    ):
        await publish_all(js, subjects.RAW_STREAM, [page(number) for number in range(20)])
        await eventually(lambda: len(handled) == 18)
        others = sorted(handled)
        mended.set()
        await eventually(lambda: settled(own))

    assert others == sorted(b"[%d]" % number for number in range(20) if number not in {3, 4})
    assert len(handled) == 20


async def test_in_an_outage_a_batch_costs_a_few_tries_a_delivery_and_not_one_for_each_message(
    eventually, nats_as, monkeypatch
) -> None:
    # Long enough that they come back together.
    monkeypatch.setattr("aoc_common.bus.policy.backoff", lambda *_: 0.4)
    tries: list[int] = []

    async def handler(messages: Sequence[Msg]) -> None:
        tries.append(max(message.metadata.num_delivered for message in messages))
        await asyncio.sleep(0.05)  # so that the others gather
        raise Unreachable("the store is away")

    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer")),
    ):
        await publish_all(js, subjects.RAW_STREAM, [page(number) for number in range(40)])
        await eventually(lambda: tries[-1:] >= [6])

    assert sum(delivery in {3, 4, 5} for delivery in tries) < 40


async def test_a_service_that_fails_at_everything_gives_up_nothing_and_goes_on_when_it_is_mended(
    eventually, nats_as
) -> None:
    broken = True

    async def handler(messages: Sequence[Msg]) -> None:
        if broken:
            raise ZeroDivisionError("a bad deployment")

    failures = Failures("normalizer")
    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler, failures) as own:
        tenants = ("contoso", "fabrikam", "tailspin")
        await publish_all(js, subjects.RAW_STREAM, [page(number, tenant) for number in range(20) for tenant in tenants])
        await eventually(lambda: failures.trouble() is not None)
        await asyncio.sleep(1.0)
        why, given_up, done = failures.trouble(), await letters(own), await settled(own)
        broken = False
        await eventually(lambda: settled(own))
        in_the_end = await letters(own)

    assert (given_up, in_the_end, done) == (0, 0, False)
    assert "of 3 of 3 tenants" in str(why)
    assert failures.trouble() is None


async def test_one_poison_tenant_does_not_halt_the_others_and_its_pages_are_given_up(eventually, nats_as) -> None:
    handled: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        if any(message.headers["Aoc-Tenant"] == "poison" for message in messages):
            raise ZeroDivisionError("what poison sends")
        handled.extend(message.data for message in messages)

    failures = Failures("normalizer")
    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler, failures) as own:
        await publish_all(js, subjects.RAW_STREAM, [page(0)])
        await publish_all(js, subjects.RAW_STREAM, [page(number, "poison") for number in range(40)])
        await publish_all(js, subjects.RAW_STREAM, [page(number) for number in range(1, 3)])
        await eventually(lambda: settled(own), 30)
        given_up = await letters(own)

    assert (given_up, len(handled)) == (40, 3)
    assert failures.trouble() is None


async def test_a_reason_that_no_store_takes_is_put_on_record_as_text(eventually, nats_as) -> None:
    letters_put: list[DeadLetter] = []

    class DeadLetterRecorder:
        async def put(self, letter: DeadLetter) -> bool:
            letters_put.append(letter)
            return True

        async def copied(self, letter: DeadLetter, sequence: int) -> None:
            raise AssertionError("its body is on record")

        async def known(self, letter: DeadLetter) -> bool:
            raise AssertionError("it is none that was tried again")

    async def handler(messages: Sequence[Msg]) -> None:
        raise Malformed("half a pair: \ud800")

    hostile = Outgoing(page(1).subject, b"[1]", page(1).headers | {"Aoc-Source": "x"})
    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer", DeadLetterRecorder())) as own,
    ):
        await publish_all(js, subjects.RAW_STREAM, [hostile])
        await eventually(lambda: over(own, (), 1))
        given_up = await letters(own)
    [letter] = letters_put

    assert (given_up, letter.reason, letter.sequence) == (1, "Malformed: half a pair: ?", 1)


async def test_what_another_page_failed_at_on_a_stream_that_was_made_anew_since_does_not_count(
    eventually, nats_as
) -> None:
    """Sequences begin anew there: a page was given up at its first defect, for those of another."""
    tries: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        tries.extend(message.data for message in messages)
        if len(tries) < MAX_DEFECTS or tries[-1] != b"[1]":
            raise ZeroDivisionError("ours")
        raise Unreachable("the first is left as it is")

    owner = make_broker(nats_as("provision"), "provision")
    await owner.connect()
    async with (
        publisher(nats_as("collector")) as js,
        running(nats_as("normalizer"), handler, Failures("normalizer")) as own,
    ):
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: len(tries) >= MAX_DEFECTS)
        config = (await jetstream(owner).stream_info(subjects.RAW_STREAM)).config
        await jetstream(owner).delete_stream(subjects.RAW_STREAM)
        await jetstream(owner).add_stream(config)
        await provision(owner, nats_as("provision"))
        await publish_all(js, subjects.RAW_STREAM, [page(2)])
        await eventually(lambda: over(own, [one for one in tries if one == b"[2]"], 2 * MAX_DEFECTS))
        given_up = await letters(own)
    await owner.stop()

    assert (given_up, tries.count(b"[2]")) == (1, MAX_DEFECTS)
