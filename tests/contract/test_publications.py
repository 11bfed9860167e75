"""What was published where, and the events themselves in that order, on any MongoDB-protocol server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.contracts.publications import END, Position, PublishedSpan, Range
from aoc_common.contracts.reading import EventFilter
from aoc_common.store.mongo import publications
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.publications import RETENTION, MongoPublications
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.pages import PublishedPage
from making import an_event

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
ONE, TWO, THREE = "20261101T000000.000000Z", "20261102T000000.000000Z", "20261103T000000.000000Z"
ALL = EventFilter()


@pytest.fixture
async def log(database) -> MongoPublications:
    await ensure_indexes(database, ("publications", "event_versions"))
    return MongoPublications(database)


@pytest.fixture
def publish(database, log):
    """Store events, and note that they stand where `first` says: as the normalizer does."""

    async def put(incarnation: str, first: int, *names: str, page: str = "p", **changes) -> PublishedSpan:
        events = [an_event(name, **changes) for name in names]
        await MongoEvents(database, lambda *_: timedelta(days=1)).insert(events, ["page"] * len(events))
        span = PublishedSpan(
            incarnation, first, page, events[0].tenant, events[0].source, tuple(str(one.id) for one in events)
        )
        await log.note([span], AT)
        return span

    return put


async def read(log, after, upto, limit=1000, event_filter=ALL):
    """All portions: where each message stood, and of each portion what was not accounted for."""
    places: list[tuple[str, int]] = []
    gaps: list[Range] = []
    portions = missing = 0
    while after is not None:
        portion = await log.portion(after, upto, event_filter, limit)
        assert len(portion.messages) <= limit
        places += [(portion.incarnation, one.sequence) for one in portion.messages]
        gaps += portion.unaccounted
        after, missing, portions = portion.after, missing + portion.missing, portions + 1
    return places, gaps, missing, portions


async def test_events_come_in_the_order_in_which_they_were_published(log, publish) -> None:
    await publish(ONE, 5, "d", "e", page="b")
    await publish(ONE, 1, "a", "b", "c", page="z")
    places, gaps, missing, _ = await read(log, Position(ONE, 0), Position(ONE, 7))

    assert places == [(ONE, one) for one in (1, 2, 3, 5, 6)]
    assert (gaps, missing) == ([], 0)


@pytest.mark.parametrize(
    ("after", "upto", "expected"),
    [(0, 3, [1, 2, 3]), (2, 6, [3, 5, 6]), (3, 4, []), (4, 5, [5]), (1, END, [2, 3, 5, 6])],
)
async def test_only_what_lies_between_two_positions_comes(log, publish, after, upto, expected) -> None:
    await publish(ONE, 1, "a", "b", "c")
    await publish(ONE, 5, "d", "e", page="q")
    places, gaps, *_ = await read(log, Position(ONE, after), Position(ONE, upto))

    assert (places, gaps) == ([(ONE, one) for one in expected], [])


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
async def test_portions_of_any_size_hold_each_event_once(log, publish, limit) -> None:
    for number in range(4):
        await publish(ONE, 1 + 4 * number, *(f"{number}{one}" for one in "abc"), page=f"{number}")
    await publish(TWO, 1, "x", "y", page="n")
    places, gaps, _, portions = await read(log, Position(ONE, 0), Position(TWO, 3), limit)

    assert places == [*((ONE, one) for one in range(1, 16) if one % 4), (TWO, 1), (TWO, 2)]
    assert gaps == []
    assert portions <= 15 / limit + 4


async def test_sequences_of_which_nobody_has_noted_what_they_held_are_named(log, publish) -> None:
    await publish(ONE, 4, "a", "b")
    await publish(ONE, 10, "c", page="q")
    await publish(THREE, 3, "d", page="r")
    for limit in (1, 100):
        _, gaps, *_ = await read(log, Position(ONE, 1), Position(THREE, 9), limit)

        # The end of an incarnation that is gone is not known.
        assert gaps == [Range(ONE, 2, 3), Range(ONE, 7, 9), Range(THREE, 1, 2), Range(THREE, 5, 9)]


async def test_where_nothing_is_noted_all_is_unaccounted(log) -> None:
    assert (await read(log, Position(ONE, 3), Position(ONE, 9)))[1] == [Range(ONE, 4, 9)]
    assert (await read(log, Position(ONE, 3), Position(TWO, 2)))[1] == [Range(TWO, 1, 2)]


async def test_every_incarnation_between_is_read(log, publish) -> None:
    for number, name in enumerate((ONE, TWO, THREE)):
        await publish(name, 1, f"{number}a", f"{number}b")
    places, gaps, *_ = await read(log, Position(ONE, 1), Position(THREE, 1))

    assert places == [(ONE, 2), (TWO, 1), (TWO, 2), (THREE, 1)]
    assert gaps == []


async def test_only_what_a_reader_is_for_comes_and_the_rest_is_no_hole(log, publish) -> None:
    await publish(ONE, 1, "a", "b")
    await publish(ONE, 4, "c", page="q", tenant="fabrikam")
    await publish(ONE, 6, "d", page="r", class_uid=3002)
    places, gaps, missing, _ = await read(
        log, Position(ONE, 0), Position(ONE, 7), event_filter=EventFilter("contoso", "o365-exchange", 3002)
    )

    assert (places, gaps, missing) == ([(ONE, 6)], [], 0)


async def test_what_is_stored_no_more_is_counted(log, publish, database) -> None:
    span = await publish(ONE, 1, "a", "b", "c")
    await database["events"].delete_one({"operation": "Set-Mailbox"})
    places, _, missing, _ = await read(log, Position(ONE, 0), Position(ONE, 4))

    assert len(span.ids) == 3
    assert (len(places), missing) == (2, 1)


async def test_a_portion_holds_about_eight_mebibytes_at_most(log, publish, monkeypatch) -> None:
    monkeypatch.setattr(publications, "_MOST_BYTES", 10_000)
    await publish(ONE, 1, *(f"{one}" for one in range(300)), raw="x" * 1000)
    portion = await log.portion(Position(ONE, 0), Position(ONE, 301), ALL, 300)
    places, *_ = await read(log, Position(ONE, 0), Position(ONE, 301), 300)

    assert len(portion.messages) == 50
    assert places == [(ONE, one) for one in range(1, 301)]


async def test_a_note_counts_once_and_a_page_that_shares_a_sequence_with_another_beside_it(log, publish) -> None:
    # A server that lost its end gives the same sequences once more.
    span = await publish(ONE, 1, "a", "b")
    await log.note([span, span], AT)
    await publish(ONE, 1, "c", page="other")
    places, gaps, *_ = await read(log, Position(ONE, 0), Position(ONE, 3))

    assert (sorted(places), gaps) == ([(ONE, 1), (ONE, 1), (ONE, 2)], [])


async def test_the_longest_batch_is_found_from_any_place_in_it(log, publish) -> None:
    span = await publish(ONE, 1, *(f"{one}" for one in range(999)))
    places, gaps, *_ = await read(log, Position(ONE, 998), Position(ONE, 1000))

    assert span.last == 999
    assert (places, gaps) == ([(ONE, 999)], [])
    assert (await read(log, Position(ONE, 999), Position(ONE, 1000)))[:2] == ([], [])


async def test_where_a_time_was_is_known(log, publish) -> None:
    await publish(ONE, 1, "a")
    await log.note(
        [PublishedSpan(TWO, 7, "q", "contoso", "x", ("00000000-0000-0000-0000-000000000001",))], AT + RETENTION / 2
    )

    assert await log.since(AT) == Position(ONE, 0)
    assert await log.since(AT + timedelta(seconds=1)) == Position(TWO, 6)
    assert await log.since(AT + RETENTION) is None


async def test_a_page_in_work_may_still_note_what_it_has_published(log, database) -> None:
    ledger = MongoLedger(database)
    page = PublishedPage("p", "contoso", "x", "contoso/s", 1, AT)
    assert await log.unsettled(AT) is False
    await ledger.pages_received([page])
    waits = [await log.unsettled(AT + timedelta(minutes=one)) for one in (-6, 0)]
    await ledger.pages_settled([PageOutcome("p", "contoso", "x", "contoso/s", 0, 0, 0, AT)])

    assert waits == [False, True]
    assert await log.unsettled(AT + timedelta(hours=1)) is False


async def test_a_version_is_noted_with_its_digest(log) -> None:
    ids = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001:" + "0f" * 16)
    span = PublishedSpan(ONE, 1, "p", "contoso", "x", ids)
    await log.note([span], AT)

    assert [one async for one in log._batches(Position(ONE, 0), Position(ONE, 9))] == [span]
    assert replace(span, first=2).last == 3
