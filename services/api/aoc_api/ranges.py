"""Which time is meant by a request that names none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.ids import EPOCH, just_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.store.imports import TimeSpan
    from aoc_common.store.searches import EventQuery

_DAY: Final = timedelta(hours=24)
#: No event is older than 1970; a day before the year 1 would be no date at all.
_EARLIEST: Final = EPOCH + _DAY


@dataclass(frozen=True, slots=True)
class DefaultRange:
    """The range of a request without a start. `case_span`: tenant -> the times of a case, see `case_span`."""

    case_span: Callable[[str], Awaitable[TimeSpan | None]]

    async def of(self, query: EventQuery, now: datetime) -> EventQuery:
        """The query with a start: of a case its whole time, else 24 hours before its end, or before now."""
        if query.start is not None:
            return query
        span = await self.case_span(query.tenant)
        if span is not None and (query.end is None or query.end > span.first):
            return replace(query, start=span.first, end=query.end or just_after(span.last))
        return replace(query, start=max(query.end or now, _EARLIEST) - _DAY)
