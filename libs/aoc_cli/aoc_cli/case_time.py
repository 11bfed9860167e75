"""Spans like `--since 7d` over a case that is old: they count from its newest event, not from today.

A case is imported, and nothing is collected for it: its last seven days are those of the log. That counts only where
all of it is older than what was asked for; else `7d` is the week until now, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aoc_cli.terminal import err
from aoc_common.contracts.ids import EPOCH, just_after
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.contracts.access import Scope
    from aoc_common.store.mongo.client import Database

type Bounds = tuple[datetime | None, datetime | None]
"""Start and end of a time range."""


@dataclass(frozen=True, slots=True)
class AskedTime:
    """What `--since` and `--until` ask for. `bounds`: of what they mean at a time; `relative`: `--since` is a span."""

    bounds: Callable[[datetime], Bounds]
    relative: bool

    async def in_case(self, database: Database, query: EventQuery) -> EventQuery:
        """The query with bounds that count from the newest event of a case which is older than what is asked for.

        Says so on stderr. Raises `Transient`.
        """
        if not self.relative or query.start is None:
            return query
        newest = await _end_of_case(database, query.scope)
        if newest is None or newest >= query.start:
            return query
        start, end = self.bounds(newest)
        err.print(f"the newest event of this case is of {newest:%Y-%m-%d %H:%M} UTC: --since counts from there")
        return replace(query, start=start, end=end or just_after(newest))


async def _end_of_case(database: Database, scope: Scope) -> datetime | None:
    """The time of a case's newest event; None for a tenant that is collected from, or without an event with a time."""
    # Imported here: commands that ask a gateway do without the database driver.
    from aoc_common.store.mongo.case_span import case_span
    from aoc_common.store.mongo.event_search import make_event_search
    from aoc_common.store.mongo.sources import MongoSources

    span = await case_span(database, scope.tenant)
    if span is not None:
        return span.last.astimezone(UTC)
    if await MongoSources(database).all_states(scope.tenant):
        return None
    # Imported by a version that kept no account of imports.
    page = await make_event_search(database).search(EventQuery(scope, limit=1))
    return page.events[0].time if page.events and page.events[0].time > EPOCH else None
