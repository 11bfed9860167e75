"""What doctor says of sinks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aoc_cli.doctor.sinks import of_sink
from aoc_collector.findings import Grade
from aoc_common.contracts.sink_states import SinkHealth, SinkState, Tally

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WELL = SinkHealth("running", delivered_until=NOW)
STATE = SinkState("siem", 0, "file", {}, NOW, WELL)
ERROR = Tally(error="elastic: 503", error_at=NOW - timedelta(minutes=9))


def said(health: SinkHealth, *tallies: Tally, seen_at: datetime = NOW) -> tuple[Grade, str]:
    finding = of_sink(replace(STATE, health=health, seen_at=seen_at), tallies, NOW)
    assert (finding.fix == "") == (finding.grade is Grade.OK)
    return finding.grade, finding.found


def test_a_sink_that_is_well_says_until_when_it_has_delivered_and_what_went_wrong_last() -> None:
    old = replace(ERROR, error_at=NOW - timedelta(days=2))

    assert said(WELL, old) == (Grade.OK, "everything until 2026-11-26 12:00 UTC is delivered")
    assert said(WELL, old, ERROR) == (
        Grade.OK,
        "everything until 2026-11-26 12:00 UTC is delivered; last error, at 11:51: elastic: 503",
    )


def test_who_is_behind_failing_broken_paused_or_run_by_nobody_is_named() -> None:
    since = NOW - timedelta(minutes=10)
    late = SinkHealth("failing", "elastic: 503", waiting=1200, oldest_at=since, delivered_until=since)
    long_ago = NOW - timedelta(hours=2)

    assert said(late) == (
        Grade.WARN,
        "everything until 2026-11-26 11:50 UTC is delivered; 1,200 wait; elastic: 503",
    )
    assert said(replace(late, life="running", words=""))[0] is Grade.WARN
    assert said(replace(late, oldest_at=long_ago, delivered_until=long_ago))[0] is Grade.FAIL
    assert said(SinkHealth("broken", "no token")) == (Grade.FAIL, "not known yet what is delivered; no token")
    assert said(SinkHealth("paused"), seen_at=long_ago)[0] is Grade.WARN
    grade, found = said(WELL, seen_at=long_ago)
    assert (grade, found.split(";")[0]) == (Grade.FAIL, "no exporter runs it since 2026-11-26 10:00 UTC")


def test_what_waited_for_nothing_since_hours_is_not_late() -> None:
    assert said(replace(WELL, delivered_until=NOW - timedelta(hours=3)))[0] is Grade.OK
