"""Sessions end: when they are not used, when they are old, and when somebody ends them, at every replica."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aoc_api.access.last_used import LastUsed
from aoc_api.access.recent import FRESH_S
from aoc_api.access.sessions.verification import Sessions
from aoc_api.problems import Problem
from aoc_api.settings import SessionOptions
from aoc_common.contracts.access import Grant
from aoc_common.errors import Unreachable
from aoc_common.store.sessions import SignedIn
from manual_clock import ManualClock

PERSON = SignedIn("directory/dana", "Dana", (Grant("reader", everything=True),))
OPTIONS = SessionOptions(idle_s=600, longest_s=3600)


class Store:
    """`SessionStore` in memory, which counts how often it is asked."""

    def __init__(self) -> None:
        self.held = {}
        self.asked = 0
        self.away = False

    async def begin(self, session, of):
        self.held[of.hash] = session

    async def find(self, of):
        if self.away:
            raise Unreachable("away")
        self.asked += 1
        return self.held.get(of.hash)

    async def listed(self, principal_id=None):
        return [one for one in self.held.values() if principal_id in {None, one.person.principal_id}]

    async def end(self, session_id, principal_id=None):
        found = [h for h, one in self.held.items() if one.id == session_id and principal_id in {None, "directory/dana"}]
        for one in found:
            del self.held[one]
        return bool(found)

    async def note_seen(self, seen):
        if self.away:
            raise Unreachable("away")
        for one, session in self.held.items():
            if session.id in seen:
                self.held[one] = replace(session, seen_at=max(session.seen_at, seen[session.id]))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def replica(store, clock):
    """`replica()`: the sessions of another gateway."""
    return lambda: Sessions(store, OPTIONS, clock)


async def begun(sessions):
    return (await sessions.begin(PERSON, "203.0.113.9", "browser", None)).secret


async def is_good(sessions, secret) -> bool:
    try:
        await sessions.verified(secret)
    except Problem as problem:
        if problem.slug != "unauthenticated":
            raise
        return False
    return True


async def test_a_session_that_is_not_used_ends(replica, clock) -> None:
    sessions = replica()
    used, unused = await begun(sessions), await begun(sessions)
    for _ in range(3):
        clock.advance(400)
        assert await is_good(sessions, used)
        await sessions.seen.write()

    assert not await is_good(sessions, unused)
    assert [one.person for one in await sessions.listed(None)] == [PERSON]


async def test_a_session_ends_however_much_it_is_used(replica, clock) -> None:
    sessions = replica()
    secret = await begun(sessions)
    for _ in range(11):
        clock.advance(300)
        assert await is_good(sessions, secret)
    clock.advance(300)

    assert not await is_good(sessions, secret)


async def test_a_session_that_is_used_at_its_last_moment_goes_on_also_once_that_is_written(replica, clock) -> None:
    sessions = replica()
    secret = await begun(sessions)
    clock.advance(OPTIONS.idle_s - 1)
    assert await is_good(sessions, secret)
    await sessions.seen.write()
    clock.advance(FRESH_S - 1)
    written = await is_good(sessions, secret)
    clock.advance(1)

    assert (written, await is_good(sessions, secret)) == (True, True)


async def test_use_at_one_replica_counts_at_the_others(replica, clock) -> None:
    one, other = replica(), replica()
    secret = await begun(one)
    clock.advance(500)
    await is_good(one, secret)
    await one.seen.write()
    clock.advance(500)

    assert await is_good(other, secret)


async def test_a_session_that_is_ended_elsewhere_is_over_within_seconds(replica, clock) -> None:
    one, other = replica(), replica()
    secret = await begun(one)
    session = await other.verified(secret)
    assert await one.end(session.id)
    at_once, remembered = await is_good(one, secret), await is_good(other, secret)
    clock.advance(FRESH_S)

    assert FRESH_S <= 5
    assert (at_once, remembered, await is_good(other, secret)) == (False, True, False)


async def test_many_requests_cost_few_looks(replica, store, clock) -> None:
    sessions = replica()
    secret = await begun(sessions)
    for _ in range(100):
        clock.advance(0.1)
        await sessions.verified(secret)

    assert store.asked <= 3


async def test_while_the_store_is_away_nothing_is_guessed(replica, store, clock) -> None:
    sessions = replica()
    secret = await begun(sessions)
    store.away = True

    with pytest.raises(Unreachable):
        await sessions.verified(secret)


async def test_what_a_browser_makes_up_costs_no_look(replica, store) -> None:
    assert not await is_good(replica(), "x" * 10_000)
    assert store.asked == 0


async def test_uses_that_cannot_be_written_are_written_next_time(clock) -> None:
    written, away = {}, [True]

    async def write(noted):
        if away[0]:
            raise Unreachable("away")
        written.update(noted)

    used = LastUsed(write)
    used.note("a", clock.now())
    with pytest.raises(Unreachable):
        await used.write()
    used.note("b", clock.now())
    away[0] = False
    await used.write()

    assert set(written) == {"a", "b"}


async def test_an_answer_that_goes_on_does_not_keep_a_session_alive(replica, clock) -> None:
    sessions = replica()
    secret = await begun(sessions)
    for _ in range(6):
        clock.advance(99)
        await sessions.verified(secret, used=False)
    clock.advance(99)

    assert not await is_good(sessions, secret)
