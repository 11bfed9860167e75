"""Times at the ends of what a clock can tell, which a record or a user may name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_api.ranges import DefaultRange
from aoc_cli.asked import moment
from aoc_common.contracts.access import Scope
from aoc_common.contracts.ids import LAST, just_after
from aoc_common.contracts.rows import Row
from aoc_common.errors import BadConfiguration
from aoc_common.store.imports import TimeSpan
from aoc_common.store.searches import EventQuery
from each import each

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LAST_MS = 253_402_300_799_999


@each("at", [NOW, LAST - timedelta(milliseconds=1), LAST.replace(microsecond=999_000), LAST])
def test_the_end_of_a_range_holds_its_last_event(at: datetime) -> None:
    assert at < just_after(at) or just_after(at) == LAST
    assert just_after(at) - at <= timedelta(milliseconds=1)


async def test_a_case_up_to_the_last_moment_has_a_range() -> None:
    async def span(_tenant: str) -> TimeSpan:
        return TimeSpan(NOW, LAST.replace(microsecond=999_000))

    query = await DefaultRange(span).of(EventQuery(Scope("default")), NOW)

    assert (query.start, query.end) == (NOW, LAST)


@pytest.mark.parametrize("milliseconds", [1, LAST_MS])
def test_an_event_of_the_first_or_last_moment_is_not_undated(milliseconds: int) -> None:
    row = Row(UUID(int=1), "default", "import", "New-InboxRule", {"time": milliseconds})

    assert row.at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize("span", ["999999w", "999999d"])
def test_a_span_that_no_calendar_holds_is_an_error_that_names_it(span: str) -> None:
    with pytest.raises(BadConfiguration, match=f"--since '{span}': that is before the year 1"):
        moment(span, NOW, "--since")
