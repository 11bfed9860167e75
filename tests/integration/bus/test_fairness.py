"""What one tenant has waiting holds up another by the batches in work, and not by all that waits."""

from __future__ import annotations

import asyncio

from aoc_common.bus import consumers
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consume import consuming
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects

LOUD, QUIET = "contoso", "fabrikam"
WORKERS = 2


async def test_with_ten_thousand_pages_of_one_tenant_waiting_another_one_s_page_is_next(nats_as, eventually) -> None:
    assert subjects.partition(LOUD, "graph-signins") != subjects.partition(QUIET, "graph-signins")
    handled: list[str] = []
    waiting = asyncio.Event()

    async def handler(messages) -> None:
        handled.extend(subjects.tenant_and_source(message.subject)[0] for message in messages)
        if len(handled) > 50:
            waiting.set()
        await asyncio.sleep(0.002)

    collector = make_broker(nats_as("collector"), "collector")
    await collector.connect()
    loud = [
        Outgoing(subjects.raw(LOUD, "graph-signins"), b"[]", {"Nats-Msg-Id": f"{number}"}) for number in range(10_000)
    ]
    await publish_all(jetstream(collector), subjects.RAW_STREAM, loud)
    broker = make_broker(nats_as("normalizer"), "normalizer")
    await broker.connect()
    async with consuming(broker, consumers.NORMALIZER, handler, WORKERS):
        await waiting.wait()
        before = len(handled)
        await publish_all(
            jetstream(collector), subjects.RAW_STREAM, [Outgoing(subjects.raw(QUIET, "graph-signins"), b"[]", {})]
        )
        await eventually(lambda: QUIET in handled)
    await close(broker)
    await close(collector)

    # A few batches were taken into work while the page was on its way; thousands were waiting.
    assert handled.index(QUIET) - before < 200
