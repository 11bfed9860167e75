"""From a notification to a job on a real bus, with the rights that the gateway has there."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from nats.errors import Error as NatsError

from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import PollJob
from notifying import change


@pytest.fixture
def collector(nats_as):
    """The stream of jobs, as the collector declares it."""

    @asynccontextmanager
    async def connect(user="collector"):
        broker = make_broker(nats_as(user), user)
        await broker.connect()
        try:
            yield jetstream(broker)
        finally:
            await broker.stop()

    return connect


@pytest.fixture
async def jobs(collector, nats_as):
    async with collector() as js:
        yield js


@pytest.fixture
async def hooks(serve, options, jobs, nats_as, eventually):
    made = await serve(options, nats_as("api"))

    async def connected():
        return (await made.client.get("/health")).json()["nats"] == "ok"

    await eventually(connected)
    return made


async def test_a_notification_is_one_pending_job_however_often_it_happens(hooks, jobs):
    answers = [(await hooks.graph(change("alerts"))).status_code for _ in range(5)]
    info = await jobs.stream_info(subjects.JOBS_STREAM)
    polls = await jobs.pull_subscribe(subjects.ALL_POLL_JOBS, durable="collector-polls", stream=subjects.JOBS_STREAM)
    (message,) = await polls.fetch(1, timeout=5)

    assert (answers, info.state.messages) == ([202] * 5, 1)
    assert PollJob.model_validate_json(message.data) == PollJob(tenant="contoso", source="graph-alerts")
    assert message.headers["Aoc-Tenant"] == "contoso"


async def test_while_the_bus_is_away_the_answer_is_503_in_time_and_later_202(hooks, nats_server, eventually):
    notification = change()
    nats_server.kill()
    refused = await hooks.graph(notification)
    nats_server.start()

    async def accepted():
        return (await hooks.graph(notification)).status_code == 202

    assert refused.status_code == 503
    await eventually(accepted)


async def test_a_bus_without_the_stream_is_one_that_is_away(serve, options, nats_on, eventually):
    hooks = await serve(options, nats_on("api"))

    async def connected():
        return (await hooks.client.get("/health")).json()["nats"] == "ok"

    await eventually(connected)
    assert (await hooks.graph(change())).status_code == 503


@pytest.mark.parametrize("subject", ["aoc.jobs.collect.contoso.x", "aoc.jobs.directory.contoso", "aoc.raw.0.contoso.x"])
async def test_the_gateway_may_ask_and_not_do(jobs, collector, subject):
    async with collector("api") as js:
        await js.publish("aoc.jobs.poll.contoso.x", b"{}", timeout=2)
        with pytest.raises(NatsError):
            await js.publish(subject, b"{}", timeout=0.3)


async def test_a_backfill_is_asked_for_once_and_said_to_be_pending_the_second_time(hooks, jobs):
    wish = {
        "tenant": "contoso",
        "source": "o365-dlp",
        "start": "2026-11-20T00:00:00",
        "end": "2026-11-21T01:00:00+01:00",
    }
    first, second = [await hooks.client.post("/api/fetch-audit-logs", json=wish) for _ in range(2)]
    whole = await hooks.client.post("/api/fetch-audit-logs", json=wish | {"source": None})

    assert (first.status_code, second.status_code, whole.status_code) == (202, 202, 202)
    assert first.json() == {
        "tenant": "contoso",
        "start": "2026-11-20T00:00:00Z",
        "end": "2026-11-21T00:00:00Z",
        "sources": [{"source": "o365-dlp", "state": "asked"}],
    }
    assert second.json()["sources"] == [{"source": "o365-dlp", "state": "pending"}]
    states = {source["source"]: source["state"] for source in whole.json()["sources"]}
    assert (len(states), states.pop("o365-dlp"), set(states.values())) == (17, "pending", {"asked"})
    pending = (await jobs.stream_info(subjects.JOBS_STREAM, ">")).state.subjects
    assert "aoc.jobs.backfill.contoso.o365-dlp.20261120T000000-20261121T000000" in pending
