"""What becomes of a job that was not done, on a real nats-server."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import structlog

from aoc_common.bus import consumers
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.consume import consuming
from aoc_common.bus.jobs import counted_job_handler, job_handler, publish_job
from aoc_common.bus.policy import Redelivery
from aoc_common.contracts import subjects
from aoc_common.contracts.jobs import DirectoryJob
from aoc_common.errors import Refused

JOB = DirectoryJob(tenant="contoso")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("aoc_common.bus.policy.backoff", lambda *_: 0.02)
    with structlog.testing.capture_logs() as logged:
        yield logged


@pytest.fixture
def working(nats_as):
    @asynccontextmanager
    async def start(handler, redelivery=None):
        async with (
            connected_broker(nats_as("collector"), "collector") as broker,
            consuming(broker, consumers.DIRECTORY, handler, redelivery=redelivery),
        ):
            yield jetstream(broker)

    return start


async def count(js, stream) -> int:
    return (await js.stream_info(stream)).state.messages


async def test_a_job_that_is_refused_waits_where_a_refusal_may_end_and_is_done_then(working, impatient, eventually):
    tries, done = [], []

    async def run(job, delivery) -> None:
        tries.append(delivery)
        if delivery < 8:
            raise Refused("no permission", status=403)
        done.append(job)

    async with working(counted_job_handler(DirectoryJob, run), Redelivery(permanent_s=3600)) as js:
        await publish_job(js, JOB)
        await eventually(lambda: bool(done))
        letters = await count(js, subjects.DLQ_STREAM)

    assert (done, letters, tries) == ([JOB], 0, list(range(1, 9)))
    failed = [one for one in impatient if one["event"] == "message.failed"]
    assert [(one["kind"], one["final"]) for one in failed] == [("Refused", False)] * 7


async def test_a_job_that_is_refused_is_a_dead_letter_elsewhere(working, eventually):
    async def run(_job) -> None:
        raise Refused("no such source")

    async with working(job_handler(DirectoryJob, run)) as js:
        await publish_job(js, JOB)

        async def given_up() -> bool:
            return (await count(js, subjects.DLQ_STREAM), await count(js, subjects.JOBS_STREAM)) == (1, 0)

        await eventually(given_up)


async def test_a_message_that_is_no_job_is_a_dead_letter_also_where_a_refusal_may_end(working, eventually):
    async def run(_job) -> None:
        pytest.fail("was run")

    async with working(job_handler(DirectoryJob, run), Redelivery(permanent_s=3600)) as js:
        await js.publish(JOB.subject, b'{"version": 9}')

        async def given_up() -> bool:
            return (await count(js, subjects.DLQ_STREAM), await count(js, subjects.JOBS_STREAM)) == (1, 0)

        await eventually(given_up)
