"""What doctor says of readers of AOC_EVENTS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aoc_cli.doctor.readers import of_readers
from aoc_collector.findings import Grade
from aoc_common.contracts.publications import Position
from aoc_common.contracts.reading import Checkpoint, Hole

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PLACE = Position("20261101T000000.000000Z", 1)
STATE = Checkpoint("alerting", PLACE)
HOLE = Hole("dropped", NOW, PLACE, PLACE, PLACE, filled=1234, filled_at=NOW)


def findings_of(state: Checkpoint) -> list[tuple[Grade, str]]:
    return [(reader.grade, reader.found) for reader in of_readers([state], NOW)]


def test_a_reader_that_missed_nothing_is_well() -> None:
    old = replace(HOLE, found_at=NOW - timedelta(days=8))

    assert findings_of(STATE) == findings_of(replace(STATE, past=(old,))) == [(Grade.OK, "missed nothing in 7 days")]
    assert of_readers([], NOW) == []


def test_a_hole_is_shown_and_one_with_a_loss_is_a_failure() -> None:
    lossy = replace(HOLE, missing=2, unaccounted=30)
    filling = replace(HOLE, filled_at=None, filled=5)
    head = "hole of 2026-11-26 12:00 UTC (dropped)"

    assert findings_of(replace(STATE, past=(HOLE, lossy), hole=filling)) == [
        (Grade.WARN, f"{head}, filled: 1,234 events from the store"),
        (
            Grade.FAIL,
            f"{head}, filled: 1,234 events from the store, 2 stored no more, 30 places of which nothing is known",
        ),
        (Grade.WARN, f"{head}, being filled: 5 events from the store"),
    ]


def test_what_was_deleted_with_a_tenant_needs_no_more_room() -> None:
    [finding] = of_readers([replace(STATE, past=(replace(HOLE, reason="deleted"),))], NOW)

    assert "as they are with a tenant" in finding.fix
