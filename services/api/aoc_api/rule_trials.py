"""Rules tried on stored events, newest first: bounded in events and in time, with the rights of who asks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.rows import Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.first_uses import FirstUses
    from aoc_common.store.pace import Pace
    from aoc_common.store.searches import EventQuery, EventSearch
    from aoc_rules.backtest import BackTest

#: Events that are tried, and seconds that it may take.
MOST_TRIED: Final = 200_000
MOST_S: Final = 20.0
#: Matches of which it is looked up whether they were the first of their kind.
MOST_LOOKED_UP: Final = 1_000
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Tried:
    """How far it got: the time of the oldest event, None of none; whether that is all there is."""

    back_to: datetime | None
    complete: bool


async def try_on(
    search: EventSearch,
    query: EventQuery,
    pace: Pace,
    work: Callable[[list[tuple[Row, dict[str, Any]]]], None],
    most: int,
    decide: Callable[[float], Awaitable[bool]] | None = None,
) -> Tried:
    """Give the events of a query to `work`, some at a time, which runs in a thread. Raises `Transient`.

    `decide`: is asked after each time, with the moment (`time.monotonic`) at which all ends; False: go no further.
    """
    ends, tried, back_to = time.monotonic() + MOST_S, 0, None
    query = replace(query, limit=min(_PAGE, most))
    while True:
        page = await search.search(query, pace, raw=True)
        if page.events:
            await asyncio.to_thread(_worked, work, page.events)
            tried, back_to = tried + len(page.events), page.events[-1].time
            if decide is not None and not await decide(ends):
                return Tried(back_to, complete=False)
        before = page.events[-1].id if page.more else page.searched_to
        if before is None:
            return Tried(back_to, complete=True)
        if tried >= most or time.monotonic() > ends:
            return Tried(back_to, complete=False)
        query = replace(query, before=before)


def decider(test: BackTest, uses: FirstUses, scope: Scope) -> Callable[[float], Awaitable[bool]]:
    """What looks up whether matches of a test were first uses, so many of them and as long as there is time."""
    looked = 0

    async def decide(ends: float) -> bool:
        nonlocal looked
        for one in test.undecided():
            looked += 1
            if looked > MOST_LOOKED_UP or time.monotonic() > ends:
                return False
            if one.use is None or await uses.is_first(scope, one.use) is not False:
                test.take(one)
        return True

    return decide


def _worked(work: Callable[[list[tuple[Row, dict[str, Any]]]], None], events: Iterable[StoredEvent]) -> None:
    """As the bus has them: with their record, and what no mapper knows."""
    whole = [(event, {**event.ocsf, "unmapped": event.unmapped, "raw_data": event.raw or ""}) for event in events]
    work([(replace(Row.of_stored(event), ocsf=ocsf), ocsf) for event, ocsf in whole])
