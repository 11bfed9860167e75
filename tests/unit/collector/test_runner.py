from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from nats.js.api import PubAck
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from aoc_collector.runner import Runner, Stores
from aoc_collector.sources.base import Batch, Loss, RawArray, Window
from aoc_common.contracts.jobs import BackfillJob, CollectJob
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Backpressure, Postponed, Transient, Unreachable
from aoc_common.store.backlog import Cause, Stretch
from aoc_common.store.losses import LostWindow
from aoc_common.store.sources import SourceState

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
JOB = CollectJob(tenant="contoso", source="o365-exchange", start=NOW - timedelta(hours=1), end=NOW)
ONE, TWO = RawArray(b'[{"Id":"1"}]', 1), RawArray(b'[{"Id":"2"},{"Id":"3"}]', 2)


@dataclass
class Ledger:
    entries: list = field(default_factory=list)
    error: Exception | None = None

    async def open_slice(self, slice_id, tenant, source, start, end, *, rereading=False):
        self.entries.append(("open again" if rereading else "open", slice_id))

    async def note_pages(self, pages):
        self.entries.append(("pages", list(pages)))

    async def slice_fetched(self, fetched):
        self.entries.append(("fetched", fetched))

    async def slice_empty(self, slice_id, empty):
        self.entries.append(("empty", slice_id, empty.since))

    async def note_loss(self, tenant, source, lost, at):
        self.entries.append(("lost", lost))

    async def slice_failed(self, slice_id, reason, at):
        if self.error:
            raise self.error
        self.entries.append(("failed", reason))


@dataclass
class Bus:
    """Acknowledges; `fails_at`: the publish that fails."""

    published: list = field(default_factory=list)
    fails_at: int | None = None
    error: Exception = field(default_factory=lambda: Backpressure("stream is full"))

    async def publish(self, stream, messages):
        if self.fails_at == len(self.published):
            raise self.error
        self.published.append((stream, list(messages)))
        return [PubAck(stream=stream, seq=10 * len(self.published) + number) for number, _ in enumerate(messages)]


@dataclass
class Canned:
    """A source that yields these; an exception among them is raised. `windows`: what it was asked for."""

    items: list
    windows: list = field(default_factory=list)

    async def batches(self, window):
        self.windows.append(window)
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            yield item


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def stopping():
    return asyncio.Event()


@pytest.fixture
def windows():
    return []


@pytest.fixture
def run(ledger, bus, blobs, states, backlog, letters, clock, stopping, windows):
    async def go(*items, job=JOB):
        source = Canned(list(items), windows)
        stores = Stores(ledger, ledger, ledger, blobs, states, states, backlog, letters)
        runner = Runner(lambda *_: source, bus.publish, stores, clock, stopping)
        await runner.run(job)

    return go


async def watermark(states):
    [state] = await states.all_states("contoso") or [SourceState("contoso", "o365-exchange")]
    return state.watermark


async def test_the_watermark_stays_when_a_page_is_not_acknowledged(run, bus, states, ledger):
    bus.fails_at = 1

    with pytest.raises(Backpressure):
        await run(Batch([ONE]), Batch([TWO]))

    assert await watermark(states) is None
    assert ledger.entries[-1] == ("failed", "Backpressure: stream is full")
    assert (await states.state("contoso", "o365-exchange")).last_error == "Backpressure: stream is full"


async def test_the_watermark_stays_when_the_source_fails_in_the_middle(run, states):
    with pytest.raises(Unreachable):
        await run(Batch([ONE]), Unreachable("gone"))

    assert await watermark(states) is None


async def test_a_blob_is_noted_as_fetched_only_when_its_pages_are_acknowledged(run, bus, blobs):
    bus.fails_at = 1

    with pytest.raises(Backpressure):
        await run(Batch([ONE], {"first": 1}), Batch([TWO], {"second": 2}))

    assert {"first"} == blobs.known


async def test_a_failure_that_cannot_be_noted_is_still_the_failure_that_is_raised(run, ledger):
    ledger.error = Unreachable("MongoDB is away")

    with pytest.raises(Unreachable, match="gone"):
        await run(Unreachable("gone"))


async def test_a_stop_puts_the_slice_back_at_once(run, stopping, states):
    stopping.set()

    with pytest.raises(Transient) as caught:
        await run(Batch([ONE]), Batch([TWO]))

    assert (caught.value.retry_after, await watermark(states)) == (0, None)


async def test_a_slice_that_was_done_meanwhile_is_not_fetched_again(run, bus, states):
    await states.advance("contoso", "o365-exchange", NOW, NOW)

    await run(Batch([ONE]))

    assert bus.published == []


async def test_a_job_of_a_tenant_that_is_configured_no_more_does_nothing(
    bus, ledger, blobs, states, backlog, letters, clock, stopping
):
    stores = Stores(ledger, ledger, ledger, blobs, states, states, backlog, letters)
    await Runner(lambda *_: None, bus.publish, stores, clock, stopping).run(JOB)

    assert (bus.published, ledger.entries) == ([], [])


async def test_a_slice_whose_tenant_left_while_it_was_in_work_notes_no_failure(
    bus, ledger, blobs, states, backlog, letters, clock, stopping, windows
):
    """Its deletion waits until nothing is written, and slices of one that cannot be reached fail for minutes."""
    there = {"contoso": Canned([Unreachable("gone")], windows)}
    source = there["contoso"]

    async def leaves(_window):
        there.clear()
        raise Unreachable("gone")
        yield

    source.batches = leaves
    stores = Stores(ledger, ledger, ledger, blobs, states, states, backlog, letters)
    with pytest.raises(Postponed):
        await Runner(lambda tenant, _: there.get(tenant), bus.publish, stores, clock, stopping).run(JOB)

    assert ledger.entries == []
    assert (await states.state("contoso", "o365-exchange")).last_error is None


async def test_what_cannot_be_collected_is_a_dead_letter_and_blocks_nothing(run, bus, states, letters):
    await run(Batch([ONE], losses=[Loss("too large", b'{"Id":')]))

    stream, (letter,) = bus.published[0]
    assert (stream, letter.subject, letter.body) == ("AOC_DLQ", "aoc.dlq.collector.contoso", b'{"Id":')
    assert letter.headers["Aoc-Reason"] == "too large"
    assert await watermark(states) == NOW
    ((kept, records),) = letters.kept.values()
    assert (kept.key, kept.source, kept.slice_id, records) == (
        letter.headers["Aoc-Letter"],
        "o365-exchange",
        JOB.slice_id,
        1,
    )
    assert BackfillJob.model_validate_json(kept.body) == BackfillJob(
        tenant="contoso", source="o365-exchange", start=JOB.start, end=JOB.end
    )
    assert "1 losses" in (await states.state("contoso", "o365-exchange")).last_error


async def test_a_slice_is_published_as_it_came_accounted_for_and_then_done(run, bus, ledger, states, blobs):
    await run(Batch([ONE], {"a": 1}), Batch([TWO, ONE], {"b": 3}), Batch())

    messages = [message for _, batch in bus.published for message in batch]
    pages = [RawPage.from_message(message.subject, message.headers, message.body) for message in messages]
    fetched = ledger.entries[-1][1]
    assert [ONE.body, TWO.body, ONE.body] == [page.body for page in pages]
    assert {JOB.slice_id} == {page.slice_id for page in pages}
    noted = [page for kind, of in ledger.entries if kind == "pages" for page in of]
    # The first and the third are one page.
    assert [page.id for page in pages] == [entry.page for entry in noted]
    assert [entry.sequence for entry in noted] == [10, 20, 21]
    assert (fetched.pages, fetched.records) == (2, 4)
    assert ({"a", "b"}, NOW) == (blobs.known, await watermark(states))


async def test_an_empty_slice_is_one_write(run, ledger, states):
    await run()

    assert ledger.entries == [("empty", JOB.slice_id, JOB.start)]
    assert await watermark(states) == NOW


async def test_pages_carry_the_trace_of_their_slice(run, bus, monkeypatch):
    provider = TracerProvider()
    monkeypatch.setattr("aoc_common.telemetry.tracing.tracer", lambda: provider.get_tracer("test"))
    with provider.get_tracer("test").start_as_current_span("outer") as outer:
        await run(Batch([ONE]))

    expected = trace.format_trace_id(outer.get_span_context().trace_id)
    assert expected == bus.published[0][1][0].headers["traceparent"].split("-")[1]


async def test_what_is_lost_is_a_gap_of_its_own_time_or_of_the_slice_s(run, ledger):
    earlier = Window(NOW - timedelta(days=9), NOW - timedelta(days=7))
    await run(
        Batch(losses=[Loss("too old", window=earlier), Loss("too large", b"{"), Loss("content b1 expired", blob=True)])
    )

    assert [entry for kind, entry in ledger.entries if kind == "lost"] == [
        LostWindow(earlier.start, earlier.end, "too old"),
        LostWindow(JOB.start, JOB.end, "too large"),
    ]


async def test_pages_that_are_alike_are_counted_once(run, ledger):
    await run(Batch([ONE]), Batch([ONE]))

    assert ledger.entries[-1][1].pages == 1


async def test_a_blob_is_known_as_fetched_only_when_its_pages_are_noted(run, bus, ledger, blobs):
    async def away(pages):
        raise Unreachable("store away")

    ledger.note_pages = away
    with pytest.raises(Unreachable):
        await run(Batch([ONE], {"a": 1}))

    assert (len(bus.published), blobs.known) == (1, set())


def part_of(stretch, *, end=NOW):
    return JOB.model_copy(update={"stretch": stretch.id, "end": end})


def stretch(cause=Cause.BEHIND, end=NOW):
    return Stretch("contoso", "o365-exchange", cause, "one", JOB.start, end, JOB.start)


async def test_a_slice_of_the_backlog_moves_its_stretch_and_not_the_live_slices(run, states, backlog, letters):
    await states.advance("contoso", "o365-exchange", NOW + timedelta(hours=5), NOW)
    await backlog.add(stretch(end=NOW + timedelta(hours=1)), NOW)

    await run(Batch([ONE]), job=part_of(stretch()))

    [left] = await backlog.waiting("contoso")
    assert (left.done_until, await watermark(states)) == (NOW, NOW + timedelta(hours=5))


async def test_a_slice_of_the_backlog_that_fails_stays_to_be_collected(run, backlog):
    await backlog.add(stretch(), NOW)

    with pytest.raises(Unreachable):
        await run(Batch([ONE]), Unreachable("gone"), job=part_of(stretch()))

    [left] = await backlog.waiting("contoso")
    assert left.done_until == JOB.start


@pytest.mark.parametrize("cause", [Cause.LATE, Cause.ASKED])
async def test_what_is_looked_at_again_is_marked_as_such(run, ledger, backlog, cause):
    await backlog.add(stretch(cause), NOW)

    await run(Batch([ONE]), job=part_of(stretch(cause)))

    assert ledger.entries[0][0] == "open again"


@pytest.mark.parametrize(
    ("cause", "lost", "afresh"), [(Cause.ASKED, False, True), (Cause.BEHIND, True, True), (Cause.BEHIND, False, False)]
)
async def test_a_stretch_that_was_asked_for_or_whose_pages_were_lost_is_fetched_afresh(
    run, backlog, windows, cause, lost, afresh
):
    await backlog.add(replace(stretch(cause), afresh=lost), NOW)

    await run(Batch([ONE]), job=part_of(stretch(cause)))

    assert [window.afresh for window in windows] == [afresh]


async def test_a_slice_of_a_stretch_that_is_done_or_gone_is_not_run_again(run, ledger, backlog):
    await run(Batch([ONE]), job=part_of(stretch()))
    await backlog.add(stretch(), NOW)
    await backlog.advance(stretch().id, NOW, NOW)
    await run(Batch([ONE]), job=part_of(stretch()))

    assert ledger.entries == []


@pytest.mark.parametrize(("cause", "noted"), [(Cause.BEHIND, 1), (Cause.LATE, 0), (Cause.ASKED, 0)])
async def test_what_microsoft_forgot_since_is_no_loss_when_it_was_collected_before(run, ledger, backlog, cause, noted):
    await backlog.add(stretch(cause), NOW)
    too_old = Loss("older than Microsoft keeps it", window=Window(JOB.start, NOW))

    await run(Batch(losses=[too_old]), job=part_of(stretch(cause)))

    assert [kind for kind, *_ in ledger.entries].count("lost") == noted


async def test_a_subscription_that_had_to_be_started_is_noted(run, states, clock):
    await run(Batch(subscription="started"))

    assert (await states.state("contoso", "o365-exchange")).subscribed_at == clock.now()
