"""Pages that vanish from the bus before they are settled are seen, collected again, or told as a gap."""

from __future__ import annotations

import asyncio

import pytest

from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import retried_slice
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Unreachable
from aoc_common.store.accounts import GapCause
from aoc_common.store.backlog import Cause
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.pages import PublishedPage
from lost_office import END, START, Office


@pytest.fixture
async def owner(nats_as):
    broker = make_broker(nats_as("provision"), "provision")
    await broker.connect()
    js = jetstream(broker)
    # The shortest memory of ids that there is: what is published again is on the stream again.
    await js.update_stream((await js.stream_info(subjects.RAW_STREAM)).config.evolve(duplicate_window=0.1))
    yield js
    await close(broker)


@pytest.fixture
async def office(nats_as, owner, database):
    await ensure_indexes(database)
    return lambda source="o365-exchange": Office(owner, database, source)


async def test_1_pages_that_vanish_unprocessed_are_collected_again(office, owner) -> None:
    books = office()
    pages = await books.fetched(20)
    await books.settled(*pages[:5])
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)
    found = await books.gone.look()
    [stretch] = await books.backlog.waiting("contoso")
    account = await books.told()

    assert found == 15
    assert (stretch.cause, stretch.start, stretch.end) == (Cause.BEHIND, START, END)
    # No blob is believed to be fetched, the watermark goes back, and what is missing is told.
    assert await books.ledger.fetched("contoso", books.source, [f"b{n}" for n in range(20)]) == set()
    assert (account.watermark, account.complete_until) == (START, START)
    assert GapCause.BEHIND in {gap.cause for gap in account.gaps}
    assert (account.stored, account.unsettled) == (5, 0)


@pytest.mark.slow
@pytest.mark.parametrize("noted", [20, 0])
async def test_pages_of_a_clock_that_was_days_ahead_are_found_when_they_are_lost_and_not_days_later(
    office, owner, noted
) -> None:
    books = office()
    books.clock.advance(3 * 24 * 3600)
    await books.fetched(20)
    books.clock.advance(-3 * 24 * 3600)
    there = await books.gone.look()
    if not noted:
        # An older version noted only pages that were settled.
        await books.database["ledger_pages"].delete_many({})
    await books.account.settle(books.clock.now(), 100)
    await owner.purge_stream(subjects.RAW_STREAM)

    assert (there, await books.gone.look()) == (0, noted)
    [stretch] = await books.backlog.waiting("contoso")
    assert (stretch.cause, stretch.start, stretch.end) == (Cause.BEHIND, START, END)


@pytest.mark.slow
@pytest.mark.parametrize("ahead_s", [0, 3 * 24 * 3600])
async def test_pages_that_were_noted_at_one_moment_are_all_looked_for_however_many(office, owner, ahead_s) -> None:
    books = office()
    books.clock.advance(ahead_s)
    pages = await books.fetched(250)
    books.clock.advance(-ahead_s + 11 * 60)
    await owner.delete_msg(subjects.RAW_STREAM, 250)
    found = [await books.gone.look() for _ in range(4)]

    assert sorted(found) == [0, 0, 0, 1]
    assert pages[-1].id not in {page.page for page in await MongoLostPages(books.database).of_slices([books.slice_id])}


async def test_what_a_collector_notes_as_fetched_after_it_was_lost_is_fetched_again_all_the_same(office, owner) -> None:
    books = office()
    await books.fetched(3)
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)
    await books.gone.look()
    await books.ledger.mark_fetched(
        "contoso", books.source, {"b0": 1}, books.slice_id, books.clock.now()
    )  # it had published the pages before they were lost, and comes to note it only now
    [stretch] = await books.backlog.waiting("contoso")

    assert stretch.afresh


async def test_1_what_is_found_to_be_gone_is_found_once(office, owner) -> None:
    books = office()
    await books.fetched(3)
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)

    assert [await books.gone.look() for _ in range(3)] == [3, 0, 0]


async def test_pages_that_only_wait_are_not_gone_however_long(office, owner) -> None:
    books = office()
    await books.fetched(3)
    books.clock.advance(30 * 86400)

    assert await books.gone.look() == 0
    assert await books.backlog.waiting("contoso") == []


async def test_12_a_sequence_of_a_stream_that_was_made_anew_is_another_page_s(office, owner) -> None:
    books = office()
    await books.fetched(3)
    config = (await owner.stream_info(subjects.RAW_STREAM)).config
    await owner.delete_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)
    with pytest.raises(Unreachable):
        # While there is no stream nobody can say where its pages are.
        await books.gone.look()
    await owner.add_stream(config)
    for number in range(3):
        other = RawPage("contoso", "graph-intune", "contoso/graph-intune/9", END, b"[%d]" % number)
        await owner.publish(other.subject, other.body, headers=other.headers())

    assert await books.gone.look() == 3


async def test_a_page_that_was_published_again_on_a_stream_made_anew_is_there_and_not_gone(office, owner) -> None:
    """A slice that fails half-way publishes its pages again; they were looked for where they had been."""
    books = office("import")
    await books.fetched(3)
    config = (await owner.stream_info(subjects.RAW_STREAM)).config
    await owner.delete_stream(subjects.RAW_STREAM)
    await owner.add_stream(config)
    await owner.publish(subjects.raw("contoso", "x"), b"[]")
    await books.fetched(3)
    books.clock.advance(11 * 60)

    assert await books.gone.look() == 0
    assert (await books.told()).gaps == ()


async def test_a_message_that_calls_itself_a_page_is_not_that_page(office, owner) -> None:
    """Whoever may publish could hide for ever that a page is gone."""
    books = office()
    [page] = await books.fetched(1)
    config = (await owner.stream_info(subjects.RAW_STREAM)).config
    await owner.delete_stream(subjects.RAW_STREAM)
    await owner.add_stream(config)
    await owner.publish(page.subject, b"[]", headers=page.headers())
    books.clock.advance(11 * 60)

    assert await books.gone.look() == 1


async def test_a_letter_that_is_tried_again_waits_as_a_page_and_is_no_gap_when_it_is_lost(office, owner) -> None:
    """After ten minutes with a slow normalizer it was a gap for good, of 0 pages of an import."""
    books = office("import")
    books.slice_id = retried_slice("contoso", "import", "normalizer-1")
    [page] = await books.fetched(1)
    await owner.purge_stream(subjects.RAW_STREAM)
    headers = page.headers() | {"Nats-Msg-Id": "normalizer-1/retry-1"}
    ack = await owner.publish(page.subject, page.body, headers=headers)
    await books.ledger.note_pages([PublishedPage(page.id, "contoso", "import", page.slice_id, ack.seq, END)])
    books.clock.advance(11 * 60)
    waits = await books.gone.look()
    await owner.purge_stream(subjects.RAW_STREAM)
    lost = await books.gone.look()
    account = await books.told()

    assert (waits, lost) == (0, 1)
    assert (account.gaps, account.unsettled) == ((), 0)


async def test_pages_that_microsoft_has_deleted_meanwhile_are_an_expired_gap(office, owner) -> None:
    books = office()
    await books.fetched(3)
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(8 * 86400)
    await books.gone.look()
    account = await books.told()

    assert account.blobs_expired == 3
    assert GapCause.EXPIRED in {gap.cause for gap in account.gaps}


async def test_lost_pages_of_an_import_are_a_gap_for_good(office, owner) -> None:
    books = office("import")
    pages = await books.fetched(3)
    await books.settled(pages[0])
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)
    await books.gone.look()
    account = await books.told()
    [gap] = [gap for gap in account.gaps if gap.cause is GapCause.LOST]

    assert "2 pages of import" in gap.detail
    assert (gap.closable, account.stored, account.unsettled) == (False, 1, 0)
    assert await books.backlog.waiting("contoso") == []


async def test_a_page_that_is_settled_while_it_is_looked_for_is_not_gone(office, owner) -> None:
    books = office()
    pages = await books.fetched(2)
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)
    there = books._there

    async def slow(waiting):
        found = await there(waiting)
        await books.settled(*pages)
        return found

    books.gone._on_stream = slow
    await books.gone.look()
    account = await books.told()

    assert await books.backlog.waiting("contoso") == []
    assert (account.stored, account.complete_until) == (2, END)


@pytest.mark.slow
@pytest.mark.parametrize("step", range(6))
async def test_a_crash_at_any_step_of_giving_pages_up_is_made_good_by_the_next_look(
    office, owner, database, monkeypatch, step
) -> None:
    books = office()
    await books.fetched(4)
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(11 * 60)
    lost = books.gone._ledger
    lost_writes = [(lost._blobs, "update_many"), (lost._slices, "update_one"), (lost._pages, "delete_many")]
    writes = 0

    def doomed(original):
        async def write(*args, **options):
            nonlocal writes
            writes += 1
            if writes == step:
                raise Unreachable("killed")
            return await original(*args, **options)

        return write

    class Doomed:
        def __init__(self, collection, name) -> None:
            self._collection = collection
            setattr(self, name, doomed(getattr(collection, name)))

        def __getattr__(self, name):
            return getattr(self._collection, name)

    with monkeypatch.context() as patched:
        for collection, name in lost_writes:
            field = next(key for key, value in vars(lost).items() if value is collection)
            patched.setattr(lost, field, Doomed(collection, name))
        try:
            await books.gone.look()
        except Unreachable:
            assert step
    await books.gone.look()
    account = await books.told()

    assert [one.cause for one in await books.backlog.waiting("contoso")] == [Cause.BEHIND]
    assert await books.ledger.fetched("contoso", books.source, ["b0", "b1", "b2", "b3"]) == set()
    assert (account.complete_until, account.unsettled) == (START, 0)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["o365-exchange", "import"])
async def test_a_slice_that_lacks_no_page_is_settled_and_nothing_of_it_is_called_lost(office, database, source) -> None:
    books = office(source)
    pages = await books.fetched(2)
    await books.settled(*pages)
    await books.account.settle(books.clock.now(), 100)
    # Whoever settled its last page died before it said so.
    await database["ledger_slices"].update_one({}, {"$set": {"state": "fetched"}})
    books.clock.advance(11 * 60)
    found = await books.gone.look()
    account = await books.told()

    assert (found, account.stored, account.unsettled, account.gaps) == (0, 2, 0, ())
    assert await books.backlog.waiting("contoso") == []


async def test_a_page_that_was_lost_and_is_on_the_bus_again_is_not_gone(office, owner) -> None:
    books = office()
    await books.fetched(3)
    await owner.purge_stream(subjects.RAW_STREAM)
    await asyncio.sleep(0.2)
    await books.fetched(3)
    books.clock.advance(11 * 60)

    assert await books.gone.look() == 0
    assert await books.backlog.waiting("contoso") == []


async def test_all_pages_of_a_slice_that_are_lost_are_found_at_once_however_short_some_have_waited(
    office, owner
) -> None:
    """Who brings the first again brings the others too, and must know that they are gone."""
    books = office()
    early = await books.fetched(2)
    books.clock.advance(9 * 60)
    now = books.clock.now()
    late = RawPage("contoso", books.source, books.slice_id, now, b"[9]")
    await books.ledger.note_pages([PublishedPage(late.id, "contoso", books.source, books.slice_id, 99, now)])
    await owner.purge_stream(subjects.RAW_STREAM)
    books.clock.advance(2 * 60)

    assert await books.gone.look() == len(early) + 1
    assert await books.ledger.lost([late.id]) == {late.id}


async def test_what_is_lost_of_a_slice_later_is_collected_later_with_what_was_fetched_again(office, owner) -> None:
    books = office()
    names = {"b0": 1, "b1": 1}
    stretches = []
    for _ in range(2):
        await books.fetched(2)
        await owner.purge_stream(subjects.RAW_STREAM)
        await asyncio.sleep(0.2)
        books.clock.advance(11 * 60)
        await books.gone.look()
        [stretch] = await books.backlog.waiting("contoso")
        stretches.append((stretch.done_until, stretch.end))
        assert await books.ledger.fetched("contoso", books.source, list(names)) == set()
        await books.ledger.mark_fetched("contoso", books.source, names, "contoso/o365-exchange/y", books.clock.now())
        await books.backlog.advance(stretch.id, stretch.end, books.clock.now())

    assert stretches == [(START, END)] * 2


async def test_what_one_replica_has_found_to_be_gone_stays_so_when_another_finds_it_at_the_same_time(
    office, owner, database, monkeypatch
) -> None:
    books = office()
    pages = await books.fetched(2)
    await owner.purge_stream(subjects.RAW_STREAM)
    names = [one.id for one in pages]
    slow, other = MongoLostPages(database), MongoLostPages(database)
    collect_again = slow._recollect

    async def meanwhile(*what) -> None:
        await other.mark_lost(books.slice_id, names, books.clock.now())
        await collect_again(*what)

    monkeypatch.setattr(slow, "_recollect", meanwhile)
    await slow.mark_lost(books.slice_id, names, books.clock.now())

    assert await books.ledger.lost(names) == set(names)
