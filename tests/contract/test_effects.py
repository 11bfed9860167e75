"""Effects that cannot be repeated: which were had, for a bounded time, on any MongoDB-protocol server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_common.store.effects import RETENTION
from aoc_common.store.mongo.client import INDEXES, ensure_indexes
from aoc_common.store.mongo.effects import MongoEffects
from manual_clock import ManualClock

KEYS = [(UUID(int=number), version) for number in range(120) for version in (1, 2)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 26, 12, tzinfo=UTC))


@pytest.fixture
async def seen(database, clock) -> MongoEffects:
    await ensure_indexes(database, ("seen",))
    return MongoEffects(database, clock)


async def test_what_was_noted_is_seen_by_event_and_version(seen) -> None:
    await seen.note("tickets", KEYS[:100])

    assert await seen.unseen("tickets", KEYS) == set(KEYS[100:])
    assert await seen.unseen("tickets", []) == set()


async def test_effects_are_apart(seen) -> None:
    await seen.note("tickets", KEYS)

    assert await seen.unseen("mails", KEYS[:3]) == set(KEYS[:3])


async def test_other_replicas_see_it_and_a_note_may_be_repeated(seen, database, clock) -> None:
    await seen.note("tickets", KEYS[:3])
    await seen.note("tickets", KEYS[1:4])
    await seen.note("tickets", [])

    assert await MongoEffects(database, clock).unseen("tickets", KEYS[:5]) == {KEYS[4]}


async def test_past_its_time_a_message_that_comes_again_is_taken_for_new(seen, clock) -> None:
    await seen.note("tickets", KEYS[:1])
    clock.advance((RETENTION - timedelta(seconds=1)).total_seconds())
    within = await seen.unseen("tickets", KEYS[:1])
    await seen.note("tickets", KEYS[1:2])
    clock.advance(2)

    assert within == set()
    # Whether the server has removed the note yet makes no difference.
    assert await seen.unseen("tickets", KEYS[:2]) == {KEYS[0]}


async def test_the_server_removes_what_is_past_its_time(database) -> None:
    assert [one.document["expireAfterSeconds"] for one in INDEXES["seen"]] == [0]
