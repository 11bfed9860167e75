"""What the kit promises to whoever writes a service on it, shown with one that does nothing but what it is told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import httpx
import pytest
import structlog

from aoc_cli.local.provisioning import bring_in_order
from aoc_common.bus import consumers
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration, Malformed
from aoc_common.service.probes import health_app
from aoc_common.service.worker import Worker
from aoc_common.settings import ServiceSettings

TENANTS = ("contoso", "fabrikam", "tailspin")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("aoc_common.bus.policy.backoff", lambda *_: 0.02)
    monkeypatch.setattr("aoc_common.bus.policy._HALTED_DELAY_S", 0.05)
    with structlog.testing.capture_logs():  # hundreds of tracebacks take longer than the work
        yield


@pytest.fixture
def service(nats_as, mongo_settings):
    """`async with service(build) as client`: a service of these parts, asked over HTTP."""

    @asynccontextmanager
    async def start(build):
        await bring_in_order(None, mongo_settings, lambda _: None, migrate=False)
        settings = ServiceSettings(nats=nats_as("normalizer"), mongo=mongo_settings)
        async with Worker("normalizer", settings, lambda _, parts: build(parts)).running() as probes:
            transport = httpx.ASGITransport(health_app(probes))
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                yield client

    return start


@pytest.fixture
async def bus(nats_as):
    async with connected_broker(nats_as("collector"), "collector") as broker:
        yield jetstream(broker)


def handling(handler):
    """A build whose service does no more than handle raw pages."""

    async def build(parts):
        parts.consume([replace(one, batch=32) for one in consumers.NORMALIZER], handler)

    return build


async def send(js, count, *tenants, first=0):
    await publish_all(
        js,
        subjects.RAW_STREAM,
        [
            Outgoing(subjects.raw(tenant, "graph-signins"), b"[]", {"Nats-Msg-Id": f"{tenant}{number}"})
            for number in range(first, first + count)
            for tenant in tenants
        ],
    )


async def left(js) -> int:
    """Pages that are not acknowledged."""
    return (await js.stream_info(subjects.RAW_STREAM)).state.messages


async def given_up(js) -> int:
    return (await js.stream_info(subjects.DLQ_STREAM)).state.messages


async def readiness(client):
    answer = await client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


async def test_a_service_that_fails_at_everything_halts_says_why_and_goes_on_when_it_is_mended(
    service, bus, eventually
) -> None:
    broken = True

    async def handler(messages) -> None:
        if broken:
            raise ZeroDivisionError("a bad deployment")

    async with service(handling(handler)) as client:
        await send(bus, 20, *TENANTS)

        async def halted() -> bool:
            return (await readiness(client))[0] == 503

        await eventually(halted)
        await asyncio.sleep(0.5)
        status, checks = await readiness(client)
        alive, waiting, letters = (await client.get("/livez")).status_code, await left(bus), await given_up(bus)
        broken = False

        async def well() -> bool:
            return (await readiness(client))[0] == 200 and not await left(bus)

        await eventually(well)
        in_the_end = await given_up(bus)

    assert (status, alive) == (503, 200)
    assert checks["workers"].startswith("fails at 60 of the last 60 messages, of 3 of 3 tenants")
    assert (waiting, letters, in_the_end) == (60, 0, 0)


@pytest.mark.slow
async def test_what_a_halted_service_has_not_acknowledged_is_handled_by_the_next_deployment(
    service, bus, eventually
) -> None:
    async def broken(messages) -> None:
        raise Malformed("a version that reads nothing")

    handled = []

    async def mended(messages) -> None:
        handled.extend(messages)

    async with service(handling(broken)) as client:
        await send(bus, 40, *TENANTS)

        async def halted() -> bool:
            return (await readiness(client))[0] == 503

        await eventually(halted)
        before, waiting = await given_up(bus), await left(bus)
    async with service(handling(mended)) as client:

        async def done() -> bool:
            return not await left(bus)

        await eventually(done)
        ready = await readiness(client)

    # Until twenty were seen, a message that nobody can ever read is one of those that are.
    assert before < 20
    assert (before + waiting, len(handled)) == (120, waiting)
    assert ready[0] == 200


async def test_one_poison_tenant_halts_nobody_and_its_pages_are_given_up(service, bus, eventually) -> None:
    handled = []

    async def handler(messages) -> None:
        if any(".poison." in message.subject for message in messages):
            raise ZeroDivisionError("what poison sends")
        handled.extend(messages)

    async with service(handling(handler)) as client:
        await send(bus, 1, *TENANTS)
        await send(bus, 40, "poison")
        await send(bus, 1, "northwind")

        async def done() -> bool:
            return not await left(bus)

        await eventually(done, 30)
        ready, letters = await readiness(client), await given_up(bus)

    assert (letters, len(handled)) == (40, 4)
    assert ready[0] == 200


async def test_leaving_waits_for_the_batch_in_work_and_takes_no_other(service, bus, eventually) -> None:
    begun, ended = [], []

    async def handler(messages) -> None:
        begun.append(len(messages))
        await asyncio.sleep(0.5)
        ended.append(len(messages))

    async with service(handling(handler)):
        await send(bus, 1, "contoso")
        await eventually(lambda: bool(begun))
        await send(bus, 1, "contoso", first=1)

    assert (begun, ended) == ([1], [1])
    assert await left(bus) == 1


async def test_a_part_that_meets_a_defect_makes_the_service_unready_by_its_name(service, eventually) -> None:
    async def divide() -> None:
        raise ZeroDivisionError("ours")

    async def unwell() -> str | None:
        return "no licence"

    async def build(parts) -> None:
        parts.every(60, "dividing", divide)
        parts.probe("licence", unwell)

    async with service(build) as client:

        async def told() -> bool:
            return "dividing: ZeroDivisionError: ours" in (await readiness(client))[1]["background"]

        await eventually(told)
        status, checks = await readiness(client)
        metrics = (await client.get("/metrics")).text

    assert (status, checks["licence"], checks["workers"]) == (503, "no licence", "ok")
    assert 'aoc_task_runs_total{outcome="defect",task="dividing"}' in metrics


async def test_parts_stop_before_what_they_work_with_and_in_reverse_order(service) -> None:
    order = []

    @asynccontextmanager
    async def client():
        yield "a client"
        order.append("client closed")

    async def closing() -> None:
        order.append("scheduler closed")

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            order.append("task ended")

    async def build(parts) -> None:
        assert await parts.enter(client()) == "a client"
        parts.closing(closing)
        parts.every(60, "working", work)

    async with service(build):
        await asyncio.sleep(0.05)

    assert order == ["task ended", "scheduler closed", "client closed"]


async def test_a_build_that_finds_a_wrong_setting_leaves_nothing_open(service) -> None:
    closed = []

    async def build(parts) -> None:
        stack = await parts.enter(AsyncExitStack())
        stack.callback(closed.append, True)
        raise BadConfiguration("AOC_X: wrong")

    with pytest.raises(BadConfiguration, match="AOC_X: wrong"):
        async with service(build):
            pytest.fail("was started")

    assert closed == [True]
