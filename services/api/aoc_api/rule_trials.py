"""Rules tried on stored events, newest first: bounded in events and in time, with the rights of who asks."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.rows import Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.gateway.rule_tests import Stopped
    from aoc_common.store.first_uses import FirstUses
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery, EventSearch
    from aoc_rules.backtest import BackTest
    from aoc_rules.evaluation.answers import Stretch
    from aoc_rules.evaluation.trial import CorrelationTest, Evaluation

#: Events that are tried, and seconds that it may take.
MOST_TRIED: Final = 200_000
MOST_S: Final = 20.0
#: Matches of which it is looked up whether they were the first of their kind.
MOST_LOOKED_UP: Final = 1_000
_PAGE: Final = 200
#: The part of the time in which events are read for a correlation: what they complete is found in the rest.
_READING: Final = 0.75
_MS: Final = timedelta(milliseconds=1)

type Decide = Callable[[float], Awaitable[Stopped | None]]
"""Is asked after some events, with the moment (`time.monotonic`) at which all ends: why to go no further, or None."""


@dataclass(frozen=True, slots=True)
class TrialExtent:
    """How far it got: the time of the oldest event, None of none; why no further, None: that is all there is."""

    back_to: datetime | None
    stopped: Stopped | None


async def try_on(
    search: EventSearch,
    query: EventQuery,
    pace: Pace,
    work: Callable[[list[tuple[Row, dict[str, Any]]]], None],
    most: int,
    decide: Decide | None = None,
    share: float = 1,
) -> TrialExtent:
    """Give the events of a query to `work`, some at a time, which runs in a thread. Raises `Transient`.

    `share`: of the time that all may take.
    """
    ends, tried, back_to = time.monotonic() + share * MOST_S, 0, None
    query = replace(query, limit=min(_PAGE, most))
    while True:
        page = await search.search(query, pace, raw=True)
        if page.events:
            await asyncio.to_thread(_worked, work, page.events)
            tried, back_to = tried + len(page.events), page.events[-1].time
            if decide is not None and (reason := await decide(ends)) is not None:
                return TrialExtent(back_to, reason)
        before = page.events[-1].id if page.more else page.searched_to
        if before is None:
            return TrialExtent(back_to, None)
        if tried >= most or time.monotonic() > ends:
            return TrialExtent(back_to, "events" if tried >= most else "time")
        query = replace(query, before=before)


async def try_test(
    test: BackTest | CorrelationTest,
    search: EventSearch,
    query: EventQuery,
    pace: Pace,
    uses: FirstUses,
    over_before: datetime,
) -> Stretch:
    """Try a rule on the events of a query, of a stretch of time, and say what was looked at. Raises `Transient`.

    `over_before`: windows that end later are not over, as events of them may still come.
    """
    from aoc_rules.evaluation.answers import Stretch
    from aoc_rules.evaluation.trial import CorrelationTest

    if query.start is None or query.end is None:
        raise AssertionError("a test is of a stretch of time")
    ends, is_correlation = time.monotonic() + MOST_S, isinstance(test, CorrelationTest)
    decide, share = decider(test, uses, query.scope), _READING if is_correlation else 1
    tried = await try_on(search, query, pace, test.add_all, MOST_TRIED, decide, share)
    start = query.start
    if tried.stopped is not None and tried.back_to is not None:
        start = max(start, tried.back_to)
    if not isinstance(test, CorrelationTest):
        return Stretch(start, query.end, tried.stopped)
    evaluation = await _evaluated(test, min(query.end - _MS, over_before), ends)
    if evaluation.stopped is None:
        return Stretch(start, query.end, tried.stopped)
    return Stretch(start, max(start, evaluation.until + _MS), evaluation.stopped)


async def _evaluated(test: CorrelationTest, until: datetime, ends: float) -> Evaluation:
    """In a thread with a loop of its own: the engine waits for stores, and here for none."""
    hung_up = threading.Event()

    def go_on() -> bool:
        return not hung_up.is_set() and time.monotonic() < ends

    try:
        return await asyncio.to_thread(lambda: asyncio.run(test.evaluate(until, go_on)))
    finally:
        hung_up.set()


def decider(test: BackTest | CorrelationTest, uses: FirstUses, scope: Scope) -> Decide:
    """What looks up whether matches of a test were first uses, so many of them and as long as there is time."""
    looked = 0

    async def decide(ends: float) -> Stopped | None:
        nonlocal looked
        for use, take in test.undecided():
            looked += 1
            if looked > MOST_LOOKED_UP or time.monotonic() > ends:
                return "first-uses" if looked > MOST_LOOKED_UP else "time"
            if await uses.is_first(scope, use) is not False:
                take()
        return "hits" if test.full else None

    return decide


def _worked(work: Callable[[list[tuple[Row, dict[str, Any]]]], None], events: Iterable[StoredEvent]) -> None:
    """As the bus has them: with their record, and what no mapper knows."""
    whole = [(event, {**event.ocsf, "unmapped": event.unmapped, "raw_data": event.raw or ""}) for event in events]
    work([(replace(Row.of_stored(event), ocsf=ocsf), ocsf) for event, ocsf in whole])
