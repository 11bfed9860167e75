"""The log of AOC_ALERTS and AOC_AUDIT: all that was published, in that order, on any MongoDB-protocol server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_api.audit.trail import AuditPublishing
from aoc_common.bus.consumers import NOTIFIER
from aoc_common.bus.restored import RestoredMessage
from aoc_common.contracts import subjects
from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_common.contracts.publications import END, Position, PublishedMessage, Range
from aoc_common.contracts.reading import EventFilter
from aoc_common.store.mongo import message_log
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.message_log import MongoMessageLog

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
ONE, TWO = "20261101T000000.000000Z", "20261102T000000.000000Z"
ALL, CONTOSO = EventFilter(), EventFilter(tenants=frozenset({"contoso"}))


@pytest.fixture
async def log(database) -> MongoMessageLog:
    await ensure_indexes(database, ("alert_publications",))
    return MongoMessageLog(database, subjects.ALERTS_STREAM)


def message(
    incarnation: str, sequence: int, tenant: str = "contoso", body: bytes = b"{}", at: datetime = AT
) -> PublishedMessage:
    subject = subjects.alerts(tenant, "high")
    return PublishedMessage(incarnation, sequence, subject, {"Aoc-Revision": str(sequence)}, body, at)


async def read(log, after, upto, limit=1000, of=ALL):
    """All portions: where each message stood, and what was not accounted for."""
    places: list[tuple[str, int]] = []
    gaps: list[Range] = []
    portions = 0
    while after is not None:
        portion = await log.portion(after, upto, of, limit)
        assert len(portion.messages) <= limit
        assert {one.incarnation for one in portion.messages} <= {portion.incarnation}
        places += [(portion.incarnation, one.sequence) for one in portion.messages]
        gaps += portion.unaccounted
        assert portion.after is None or portion.after > after
        after, portions = portion.after, portions + 1
    return places, gaps, portions


async def test_a_message_comes_back_as_it_was_published(log) -> None:
    sent = PublishedMessage(
        ONE, 7, "aoc.alerts.contoso.low", {"Nats-Msg-Id": "a-1", "Aoc.Rule": "$x"}, b'{"title": "\xc3\xa9\x00"}', AT
    )
    await log.note([sent])
    await log.note([sent, message(ONE, 8)])
    portion = await log.portion(Position(ONE, 6), Position(ONE, 8), ALL, 10)

    assert portion.messages[0] == sent
    # People are told of what is new, and not of what is old.
    assert RestoredMessage(portion.messages[0], ONE, NOTIFIER).metadata.timestamp == AT
    assert portion.messages[0].headers() == sent.carried
    assert [one.sequence for one in portion.messages] == [7, 8]
    assert (portion.after, portion.missing, portion.unaccounted) == (None, 0, ())


@pytest.mark.parametrize("limit", [1, 2, 1000])
async def test_what_lies_between_two_positions_comes_in_order_over_incarnations(log, limit) -> None:
    await log.note([message(TWO, 1), message(ONE, 3), message(ONE, 1), message(TWO, 2), message(ONE, 2)])

    assert (await read(log, Position(ONE, 1), Position(TWO, 1), limit))[:2] == ([(ONE, 2), (ONE, 3), (TWO, 1)], [])
    assert (await read(log, Position(ONE, 0), Position(ONE, END), limit))[0] == [(ONE, 1), (ONE, 2), (ONE, 3)]
    assert (await read(log, Position(TWO, 2), Position(TWO, END), limit))[:2] == ([], [])


async def test_of_others_nothing_comes_and_their_messages_leave_no_gap(log) -> None:
    await log.note([message(ONE, number, "fabrikam" if number % 2 else "contoso") for number in range(1, 8)])
    await log.note([message(TWO, 1, "fabrikam"), message(TWO, 2)])
    places, gaps, _ = await read(log, Position(ONE, 0), Position(TWO, 2), 2, CONTOSO)

    assert places == [(ONE, 2), (ONE, 4), (ONE, 6), (TWO, 2)]
    assert gaps == []
    assert (await read(log, Position(ONE, 0), Position(TWO, 2), 2, EventFilter(tenants=frozenset({"none"}))))[0] == []


async def test_sequences_that_nobody_noted_are_named_once(log, monkeypatch) -> None:
    monkeypatch.setattr(message_log, "_WINDOW", 3)
    await log.note([message(ONE, 3), message(ONE, 4), message(ONE, 20), message(TWO, 2)])
    places, gaps, portions = await read(log, Position(ONE, 1), Position(TWO, 4))

    assert places == [(ONE, 3), (ONE, 4), (ONE, 20), (TWO, 2)]
    assert gaps == [Range(ONE, 2, 2), Range(ONE, 5, 19), Range(TWO, 1, 1), Range(TWO, 3, 4)]
    assert portions <= 5


async def test_large_messages_come_in_portions_of_bounded_size(log, monkeypatch) -> None:
    monkeypatch.setattr(message_log, "_MOST_BYTES", 5_000)
    monkeypatch.setattr(message_log, "_TOGETHER", 2)
    await log.note([message(ONE, number, body=b"x" * 3_000) for number in range(1, 10)])
    first = await log.portion(Position(ONE, 0), Position(ONE, 9), ALL, 1000)
    places, gaps, _ = await read(log, Position(ONE, 0), Position(ONE, 9))

    assert [one.sequence for one in first.messages] == [1, 2]
    assert (places, gaps) == ([(ONE, number) for number in range(1, 10)], [])


async def test_two_messages_of_one_place_both_come(log) -> None:
    """The server had lost the end of its stream, and gave the sequence again."""
    twice = [replace(message(ONE, 2), carried={"Nats-Msg-Id": name}) for name in ("a:1", "contoso/w/1")]
    await log.note([message(ONE, 1), *twice, *twice, message(ONE, 3)])
    portion = await log.portion(Position(ONE, 0), Position(ONE, 3), ALL, 2)

    assert [one.sequence for one in portion.messages] == [1, 2, 2]
    assert {one.headers()["Nats-Msg-Id"] for one in portion.messages[1:]} == {"a:1", "contoso/w/1"}
    assert portion.after == Position(ONE, 2)
    assert (await log.portion(portion.after, Position(ONE, 3), ALL, 2)).messages == [message(ONE, 3)]
    assert (await read(log, Position(ONE, 1), Position(ONE, 3), 1000))[1] == []


async def test_where_the_first_of_a_time_stands(log) -> None:
    await log.note([message(ONE, 1)])
    await log.note([message(ONE, number, at=AT + timedelta(hours=1)) for number in (2, 3)])

    assert await log.since(AT - timedelta(days=1)) == Position(ONE, 0)
    assert await log.since(AT + timedelta(minutes=1)) == Position(ONE, 1)
    assert await log.since(AT + timedelta(hours=2)) is None


async def test_while_anything_waits_to_be_published_it_is_not_settled(database) -> None:
    for stream, waiting in ((subjects.ALERTS_STREAM, "alerts"), (subjects.AUDIT_STREAM, "audit_heads")):
        log = MongoMessageLog(database, stream)
        assert not await log.unsettled(AT)
        await database[waiting].insert_one({"tenant": "contoso", "waiting": True})
        assert await log.unsettled(AT)


async def test_an_end_that_was_noted_after_all_of_its_chain_was_published_waits_no_more(database) -> None:
    """A gateway was killed between storing an entry and noting it as the end: else no hole of AOC_AUDIT is settled."""
    await ensure_indexes(database, ("audit_trail", "audit_heads"))
    entries, heads = MongoAuditTrail(database), MongoAuditHeads(database)
    event = {"time": 1_790_000_000_000, "status_id": 1, "metadata": {}, "unmapped": {"action": "session.begin"}}
    first = AuditEntry.following(Head.none(Chain("contoso", "w1")), event)
    second = AuditEntry.following(first.head, event)
    published: list[str] = []

    async def publish(some) -> None:
        published.extend(entry.id for entry in some)

    await entries.append([first, second])
    await heads.note([first.head])
    await AuditPublishing(entries, heads, publish).run()
    await heads.note([second.head])
    assert [known.head for known in await heads.unpublished(5)] == [second.head]
    await AuditPublishing(entries, heads, publish).run()

    assert await heads.unpublished(5) == []
    assert published == [first.id, second.id]
    assert not await MongoMessageLog(database, subjects.AUDIT_STREAM).unsettled(AT)
