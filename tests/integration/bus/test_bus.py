"""The bus's promises, on a real nats-server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import nats as nats_client
import pytest
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.bus.consume import Consumer, consuming, reading
from aoc_common.bus.provision import declare_consumer, provision
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import Backpressure, Malformed, Throttled, TooLarge, Unreachable
from each import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext

    from aoc_cli.local.process import Child
    from aoc_common.settings import NatsSettings

PART = subjects.partition("contoso", "graph-signins")
PAGES = replace(consumers.NORMALIZER[PART], batch=10, ack_wait_s=1.0)


@pytest.fixture
async def declared(nats_as):
    """`declared(consumer)`: bring a consumer in order, as `provision` does."""
    broker = make_broker(nats_as("provision"), "provision")
    await broker.connect()
    await declare_consumer(jetstream(broker), PAGES)
    yield lambda consumer: declare_consumer(jetstream(broker), consumer)
    await broker.stop()


@asynccontextmanager
async def running(settings: NatsSettings, handler, consumer: Consumer = PAGES):
    broker = make_broker(settings, "normalizer")
    await broker.connect()
    async with consuming(broker, consumer, handler):
        yield jetstream(broker)
    await broker.stop()


@asynccontextmanager
async def publisher(settings: NatsSettings, user: str = "collector"):
    broker = make_broker(settings, user)
    await broker.connect()
    yield jetstream(broker)
    await broker.stop()


def page(number: int, tenant: str = "contoso") -> Outgoing:
    return Outgoing(
        subjects.raw(tenant, "graph-signins"), b"[%d]" % number, {"Nats-Msg-Id": str(number), "Aoc-Tenant": tenant}
    )


async def dead_letters(js: JetStreamContext, count: int) -> bool:
    return (await js.stream_info(subjects.DLQ_STREAM)).state.messages == count


async def settled(js: JetStreamContext) -> bool:
    info = await js.consumer_info(subjects.RAW_STREAM, PAGES.durable)
    return info.num_ack_pending == 0 and info.num_pending == 0


async def test_a_batch_is_handed_over_whole_and_acknowledged(eventually, nats_as, declared) -> None:
    seen: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        seen.extend(message.data for message in messages)

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler) as own:
        await publish_all(js, subjects.RAW_STREAM, [page(n) for n in range(25)])
        await eventually(lambda: len(seen) == 25)
        await eventually(lambda: settled(own))

    assert sorted(seen) == sorted(b"[%d]" % n for n in range(25))


async def test_bursts_are_handed_over_at_their_first_delivery(eventually, nats_as, declared) -> None:
    deliveries: list[int] = []

    async def handler(messages: Sequence[Msg]) -> None:
        deliveries.extend(message.metadata.num_delivered for message in messages)
        await asyncio.sleep(0.01)

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler):
        number = 0
        for burst in (1, 25, 3, 60, 1, 9, 40, 2) * 6:
            await publish_all(js, subjects.RAW_STREAM, [page(number + n) for n in range(burst)])
            number += burst
            await asyncio.sleep(burst % 4 * 0.01)
        await eventually(lambda: len(deliveries) >= number)

    assert deliveries == [1] * number


async def test_a_batch_is_bounded_in_bytes_and_a_larger_message_still_comes(eventually, nats_as, declared) -> None:
    batches: list[list[int]] = []

    async def handler(messages: Sequence[Msg]) -> None:
        batches.append([len(message.data) for message in messages])

    small = replace(PAGES, batch=50, batch_bytes=100_000, ack_wait_s=60)
    await declared(small)
    sizes = [300_000, *[30_000] * 12, 300_000, 10]
    async with publisher(nats_as("collector")) as js:
        subject = subjects.raw("contoso", "graph-intune")
        await publish_all(
            js,
            subjects.RAW_STREAM,
            [Outgoing(subject, b"x" * size, {"Nats-Msg-Id": f"{n}"}) for n, size in enumerate(sizes)],
        )
        async with running(nats_as("normalizer"), handler, small):
            await eventually(lambda: sum(map(len, batches)) == len(sizes), 5)

    assert max(sum(batch) for batch in batches) < 100_000 + 300_000
    assert max(len(batch) for batch in batches) > 1


async def test_what_a_leaving_worker_had_not_begun_goes_back_at_once(eventually, nats_as, declared) -> None:
    entered = asyncio.Event()
    seen: list[bytes] = []

    async def slow(messages: Sequence[Msg]) -> None:
        entered.set()
        await asyncio.sleep(0.1)
        seen.extend(message.data for message in messages)

    async def quick(messages: Sequence[Msg]) -> None:
        seen.extend(message.data for message in messages)

    patient = replace(PAGES, batch=5, ack_wait_s=60)
    await declared(patient)
    async with publisher(nats_as("collector")) as js:
        async with running(nats_as("normalizer"), slow, patient):
            await publish_all(js, subjects.RAW_STREAM, [page(n) for n in range(20)])
            await entered.wait()
        async with running(nats_as("normalizer"), quick, patient):
            await eventually(lambda: len(seen) >= 20)

    assert sorted(seen) == sorted(b"[%d]" % n for n in range(20))


async def test_while_its_consumer_is_missing_a_worker_says_so_and_goes_on_when_it_is_there(
    eventually, nats_as, declared
) -> None:
    seen: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        seen.extend(message.data for message in messages)

    owner = make_broker(nats_as("provision"), "provision")
    await owner.connect()
    broker = make_broker(nats_as("normalizer"), "normalizer")
    await broker.connect()
    async with publisher(nats_as("collector")) as js, consuming(broker, PAGES, handler) as working:
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: seen == [b"[1]"] and working())
        await jetstream(owner).delete_consumer(subjects.RAW_STREAM, PAGES.durable)
        await publish_all(js, subjects.RAW_STREAM, [page(2)])
        await eventually(lambda: not working())
        await declared(PAGES)
        await eventually(lambda: seen == [b"[1]", b"[2]"] and working())
    await broker.stop()
    await owner.stop()


@pytest.mark.parametrize("error", [ConnectionClosedError(), ZeroDivisionError("a defect of ours")])
async def test_a_worker_outlives_an_acknowledgement_that_fails(
    eventually, nats_as, declared, monkeypatch, error
) -> None:
    seen: list[int] = []
    original = Msg.ack

    async def fails_once(message: Msg) -> None:
        if len(seen) == 1:
            raise error
        await original(message)

    async def handler(messages: Sequence[Msg]) -> None:
        seen.extend(message.metadata.num_delivered for message in messages)

    monkeypatch.setattr(Msg, "ack", fails_once)
    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler) as own:
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: seen == [1, 2])
        await eventually(lambda: settled(own))


async def test_a_reader_gets_every_message_once_and_leaves_nothing_acknowledged(eventually, nats_as) -> None:
    found: list[bytes] = []
    async with publisher(nats_as("normalizer"), "normalizer") as js:
        subject = subjects.events("contoso", "graph-signins", 3002)
        await publish_all(js, subjects.EVENTS_STREAM, [Outgoing(subject, b"%d" % n, {}) for n in range(700)])
    broker = make_broker(nats_as("cli"), "cli")
    await broker.connect()
    config = ConsumerConfig(filter_subject=subjects.ALL_EVENTS, deliver_policy=DeliverPolicy.ALL)
    async with reading(broker, subjects.EVENTS_STREAM, config) as pull:
        while messages := await pull.batch(64, 0.2):
            found += [message.data for message in messages]
    await broker.stop()

    assert found == [b"%d" % n for n in range(700)]


async def test_a_transient_failure_comes_back_after_the_delay_that_was_asked_for(eventually, nats_as, declared) -> None:
    deliveries: list[float] = []

    async def handler(messages: Sequence[Msg]) -> None:
        deliveries.append(asyncio.get_running_loop().time())
        if len(deliveries) == 1:
            raise Throttled("slow down", retry_after=0.5)

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler):
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: len(deliveries) == 2)

    assert deliveries[1] - deliveries[0] >= 0.45


async def test_a_permanent_failure_goes_to_the_dead_letters_and_takes_no_other_message_with_it(
    eventually, nats_as, declared
) -> None:
    handled: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        if any(message.data == b"[3]" for message in messages):
            raise Malformed("three is not a page\r\nInjected: yes")
        handled.extend(message.data for message in messages)

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler) as own:
        await publish_all(js, subjects.RAW_STREAM, [page(n) for n in range(6)])
        await eventually(lambda: len(handled) == 5)
        await eventually(lambda: dead_letters(own, 1))
        await eventually(lambda: settled(own))

    assert sorted(handled) == [b"[0]", b"[1]", b"[2]", b"[4]", b"[5]"]


@pytest.mark.slow
async def test_a_defect_is_retried_and_then_dead_lettered_with_its_reason(
    eventually, nats_as, declared, monkeypatch
) -> None:
    monkeypatch.setattr("aoc_common.bus.policy.backoff", lambda *_: 0.01)
    deliveries: list[int] = []

    async def handler(messages: Sequence[Msg]) -> None:
        deliveries.append(messages[0].metadata.num_delivered)
        raise ZeroDivisionError("ours")

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler) as own:
        await publish_all(js, subjects.RAW_STREAM, [page(7)])
        await eventually(lambda: dead_letters(own, 1))

    assert deliveries == [1, 2, 3, 4, 5]


async def test_long_work_keeps_its_message(eventually, nats_as, declared) -> None:
    starts: list[int] = []
    done = asyncio.Event()

    async def handler(messages: Sequence[Msg]) -> None:
        starts.append(messages[0].metadata.num_delivered)
        await asyncio.sleep(2.5 * PAGES.ack_wait_s)
        done.set()

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler) as own:
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await asyncio.wait_for(done.wait(), 20)
        await eventually(lambda: settled(own))

    assert starts == [1]


async def test_a_full_raw_stream_refuses_instead_of_dropping(eventually, nats_as) -> None:
    owner = make_broker(nats_as("provision"), "provision")
    await owner.connect()
    small = nats_as("provision").model_copy(update={"raw_max_bytes": 1024 * 1024})
    await provision(owner, small, reduce=True)
    await owner.stop()
    big = b"x" * 300_000

    async with publisher(nats_as("collector")) as js:
        messages = [Outgoing(subjects.raw("contoso", "import"), big, {"Nats-Msg-Id": str(n)}) for n in range(6)]
        with pytest.raises(Backpressure):
            await publish_all(js, subjects.RAW_STREAM, messages)
        kept = (await js.stream_info(subjects.RAW_STREAM)).state

    assert kept.first_seq == 1
    assert kept.messages == 3


@pytest.mark.parametrize("over", [1024 * 1024, -10])
async def test_a_message_over_the_servers_limit_is_named_and_costs_no_connection(eventually, nats_as, over) -> None:
    """Also one that is over it by its headers alone: the server would hang up."""
    body = b"x" * (8 * 1024 * 1024 + over)
    async with publisher(nats_as("collector")) as js:
        with pytest.raises(TooLarge, match="bytes are more than the 8388608 that the server takes"):
            await publish_all(
                js, subjects.RAW_STREAM, [Outgoing(subjects.raw("contoso", "import"), body, {"Aoc-Tenant": "contoso"})]
            )
        await publish_all(js, subjects.RAW_STREAM, [page(1)])


async def test_a_repeated_publish_is_one_message(eventually, nats_as) -> None:
    async with publisher(nats_as("collector")) as js:
        first = await publish_all(js, subjects.RAW_STREAM, [page(1)])
        again = await publish_all(js, subjects.RAW_STREAM, [page(1)])

    assert first[0].seq == again[0].seq
    assert again[0].duplicate


@pytest.mark.slow
async def test_the_bus_comes_back_after_the_server_was_killed(
    eventually, nats_as, declared, nats_server: Child
) -> None:
    seen: list[bytes] = []

    async def handler(messages: Sequence[Msg]) -> None:
        seen.extend(message.data for message in messages)

    async with publisher(nats_as("collector")) as js, running(nats_as("normalizer"), handler):
        await publish_all(js, subjects.RAW_STREAM, [page(1)])
        await eventually(lambda: seen == [b"[1]"])
        nats_server.kill()
        nats_server.start()
        nats_server.wait_ready()

        async def published() -> bool:
            with suppress(Unreachable):
                return bool(await publish_all(js, subjects.RAW_STREAM, [page(2)]))
            return False

        await eventually(published, 20)
        await eventually(lambda: b"[2]" in seen, 20)


@each(
    ("user", "subject"),
    [
        ("normalizer", "aoc.raw.0.contoso.graph-signins"),
        ("collector", "aoc.events.contoso.graph-signins.3002"),
        ("reader", "aoc.events.contoso.graph-signins.3002"),
        ("reader", "aoc.jobs.collect.contoso.graph-signins"),
        ("api", "aoc.raw.0.contoso.graph-signins"),
        ("cli", "aoc.raw.0.contoso.graph-signins"),
        ("cli", "aoc.jobs.collect.contoso.graph-signins"),
        ("operator", "aoc.events.contoso.graph-signins.3002"),
        ("operator", "$JS.API.STREAM.UPDATE.AOC_RAW"),
        *((user, "$JS.API.STREAM.UPDATE.AOC_RAW") for user in ("collector", "normalizer", "cli", "api", "reader")),
        *((user, "$JS.API.CONSUMER.CREATE.AOC_RAW.normalizer-0") for user in ("collector", "normalizer", "cli")),
    ],
)
async def test_a_user_of_the_bus_may_publish_only_what_is_its_own(eventually, nats_as, user: str, subject: str) -> None:
    settings: NatsSettings = nats_as(user)
    errors: list[Exception] = []

    async def on_error(error: Exception) -> None:
        errors.append(error)

    connection = await nats_client.connect(
        settings.url, user=user, password=f"test-{user}", error_cb=on_error, inbox_prefix=f"_INBOX_{user}"
    )
    await connection.publish(subject, b"{}")
    await connection.flush()
    await eventually(lambda: bool(errors))
    await connection.close()

    assert "permissions violation" in str(errors[0]).lower()


async def test_a_wrong_password_is_refused(eventually, nats_as, nats_server: Child) -> None:
    with pytest.raises(Exception, match=r"(?i)authorization"):
        await nats_client.connect(
            f"nats://127.0.0.1:{nats_server.port}", user="api", password="wrong", allow_reconnect=False
        )
