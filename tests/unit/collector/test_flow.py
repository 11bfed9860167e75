from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from nats.js.errors import APIError

from aoc_collector.flow import backfill_run, redelivery, slice_run
from aoc_collector.microsoft.answers import UnfinishedError
from aoc_common.bus.jobs import counted_job_handler, job_handler, publish_job
from aoc_common.contracts.jobs import BackfillJob, CollectJob, DirectoryJob
from aoc_common.errors import Backpressure, Malformed, Permanent, Refused, Throttled, Unreachable, Unreadable
from aoc_common.store.backlog import Cause

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
JOB = CollectJob(tenant="contoso", source="graph-signins", start=NOW - timedelta(hours=1), end=NOW)


def message(body=None, deliveries=1):
    return SimpleNamespace(
        data=JOB.model_dump_json().encode() if body is None else body,
        metadata=SimpleNamespace(num_delivered=deliveries),
    )


def slices(runner, following, turns):
    return counted_job_handler(CollectJob, slice_run(runner, following, turns))


class Following:
    def __init__(self, *, can_shorten=True):
        self.told = []
        self.can_shorten = can_shorten

    def nudge(self, job):
        self.told.append("nudge")

    def finished(self, job, pages):
        self.told.append("finished")

    def shorten(self, job):
        self.told.append("shorten")
        return self.can_shorten


class Turns:
    """Gives way when it is told to."""

    def __init__(self, *, gives_way=False):
        self.gives_way = gives_way
        self.asked = []

    async def defer(self, job, deliveries, error):
        self.asked.append(deliveries)
        return self.gives_way


class Failing:
    def __init__(self, error):
        self.error = error
        self.abandoned = []

    async def run(self, job):
        if self.error:
            raise self.error
        return 0

    async def abandon(self, job):
        self.abandoned.append(job.slice_id)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"tenant":"contoso","source":"x","start":1,"end":0}', b'{"version":2}'])
async def test_a_job_that_this_version_cannot_read_is_permanent(body):
    with pytest.raises(Unreadable):
        await slices(Failing(None), Following(), Turns())([message(body)])


@pytest.mark.parametrize(
    ("error", "deliveries", "delay"),
    [
        (Refused("no licence", status=403), 1, 1),
        (Refused("no licence", status=403), 4, 8),
        (Refused("no licence", status=403), 50, 3600),
        (Permanent("odd"), 3, 4),
        (Unreachable("away"), 50, 60),
        (Backpressure("full"), 2, 2),
        (Throttled("slow down", retry_after=300), 1, 300),
        (Throttled("slow down", retry_after=90_000), 1, 3600),
    ],
)
def test_a_failure_keeps_the_job_and_waits_longer_each_time(error, deliveries, delay):
    how = redelivery(3600)

    assert (how.retries(error), how.delay_s(error, deliveries)) == (True, delay)


async def test_a_source_that_refuses_us_is_never_dropped():
    following = Following()

    with pytest.raises(Refused, match="no"):
        await slices(Failing(Refused("no", status=403)), following, Turns())([message(deliveries=99)])

    assert following.told == []


async def test_a_slice_that_cannot_be_finished_is_tried_again_then_replaced_by_a_shorter_one():
    following = Following()
    runner = Failing(UnfinishedError("loop"))
    handler = slices(runner, following, Turns())

    with pytest.raises(UnfinishedError):
        await handler([message(deliveries=1)])
    await handler([message(deliveries=2)])

    assert following.told == ["shorten", "nudge"]
    assert runner.abandoned == [JOB.slice_id]


async def test_the_shortest_slice_is_tried_again_for_ever():
    with pytest.raises(UnfinishedError):
        await slices(Failing(UnfinishedError("loop")), Following(can_shorten=False), Turns())([message(deliveries=9)])


async def test_a_slice_that_is_done_asks_for_the_next():
    following = Following()

    await slices(Failing(None), following, Turns())([message()])

    assert following.told == ["finished", "nudge"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"tenant":"A B"}', b'{"tenant":"contoso","kind":"user"}'])
async def test_a_directory_job_that_this_version_cannot_read_is_permanent(body):
    with pytest.raises(Unreadable):
        await job_handler(DirectoryJob, Failing(None).run)([message(body)])


@pytest.mark.parametrize(
    ("error", "delay"), [(Throttled("slow down", retry_after=300), 300), (Unreachable("store away"), 4)]
)
async def test_a_directory_job_that_fails_comes_again_later(error, delay):
    with pytest.raises(type(error)) as raised:
        await job_handler(DirectoryJob, Failing(error).run)([message(b'{"tenant":"contoso"}', deliveries=3)])

    assert redelivery(3600).delay_s(raised.value, 3) == delay


@pytest.mark.parametrize(
    ("code", "text"),
    [(10077, "maximum bytes exceeded"), (10077, "insufficient storage"), (10023, "insufficient resources")],
)
async def test_only_an_occupied_subject_means_that_a_job_is_pending(code, text):
    class Full:
        _nc = SimpleNamespace(max_payload=8 * 1024 * 1024)

        async def publish(self, *_args, **_kwargs):
            raise APIError(code=503, err_code=code, description=text)

    with pytest.raises(Backpressure):
        await publish_job(Full(), JOB)


async def test_a_request_to_fill_in_becomes_a_stretch_of_the_backlog(clock, backlog):
    job = BackfillJob(tenant="contoso", source="graph-signins", start=NOW - timedelta(days=3), end=NOW)

    await backfill_run({(job.tenant, job.source): None}, backlog.add, clock)(job)

    [added] = await backlog.waiting("contoso")
    assert (added.cause, added.start, added.end, added.done_until) == (Cause.ASKED, job.start, job.end, job.start)


async def test_a_request_to_fill_in_a_source_that_is_not_collected_is_refused_by_name(clock, backlog):
    job = BackfillJob(tenant="nowhere", source="graph-signins", start=NOW - timedelta(days=3), end=NOW)

    with pytest.raises(Malformed, match="no source graph-signins of a tenant nowhere"):
        await backfill_run({}, backlog.add, clock)(job)


async def test_what_microsoft_does_not_have_any_more_is_not_asked_for(clock, backlog):
    job = BackfillJob(tenant="contoso", source="o365-dlp", start=NOW - timedelta(days=900), end=NOW)
    reach = {("contoso", "o365-dlp"): timedelta(days=7)}

    await backfill_run(reach, backlog.add, clock)(job)

    [added] = await backlog.waiting("contoso")
    assert (added.start, added.done_until) == (job.start, NOW - timedelta(days=7))
