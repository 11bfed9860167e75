"""How a source does, by its account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aoc_common.contracts.troubles import Trouble
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.arrivals import RecentArrivals
from aoc_common.store.source_health import Bounds, State, judge
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOUNDS = Bounds(timedelta(minutes=15), timedelta(hours=24))
WELL = SourceAccount("contoso", "o365-exchange", last_success=NOW, watermark=NOW, complete_until=NOW)
SILENT = RecentArrivals(last_record=NOW - 9 * HOUR, usual=40, silent_hour=NOW - 3 * HOUR)


@each(
    ("changes", "state", "words"),
    [
        ({}, State.GREEN, ""),
        ({"last_success": None}, State.YELLOW, "not collected yet"),
        ({"last_success": NOW - HOUR}, State.RED, "stalled: not collected since 2026-11-23T07:00:00Z"),
        ({"last_error": "x", "trouble": Trouble.UNREACHABLE}, State.YELLOW, "unreachable"),
        ({"last_error": "x", "trouble": Trouble.NO_PERMISSION}, State.RED, "no-permission"),
        ({"first_expiry": NOW + 30 * HOUR, "blobs_waiting": 3}, State.GREEN, ""),
        ({"first_expiry": NOW + 23 * HOUR, "blobs_waiting": 3}, State.YELLOW, "3 waiting, the first at 2026-11-24"),
        ({"first_expiry": NOW + 5 * HOUR, "blobs_waiting": 3}, State.RED, "content expires unfetched"),
        (
            {"dead_letters": 2, "dead_lettered": 70},
            State.RED,
            "dead letters: 2 were given up, with 70 records",
        ),
        ({"waiting": 3}, State.YELLOW, "quarantine: 3 records wait for a decision"),
        ({"recently": SILENT}, State.YELLOW, "silent: no records of the hour from 2026-11-23T05:00:00Z, usually"),
        ({"subscribed_at": NOW - HOUR}, State.YELLOW, "warming up"),
        ({"subscribed_at": NOW - HOUR, "recently": SILENT}, State.YELLOW, "warming up"),
        ({"subscribed_at": NOW - HOUR, "recently": RecentArrivals(last_record=NOW)}, State.GREEN, ""),
        ({"subscribed_at": NOW - 13 * HOUR}, State.GREEN, ""),
    ],
)
def test_a_source_is_judged_by_its_account(changes, state, words):
    judged = judge(replace(WELL, **changes), BOUNDS, NOW)

    assert judged.state is state
    assert words in "; ".join(judged.reasons)


def test_the_gravest_reason_decides_and_all_are_told():
    judged = judge(
        replace(WELL, last_success=NOW - HOUR, last_error="x", trouble=Trouble.UNREACHABLE, recently=SILENT),
        BOUNDS,
        NOW,
    )

    assert (judged.state, len(judged.reasons)) == (State.RED, 3)
