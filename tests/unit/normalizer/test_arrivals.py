"""What new records tell of their source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from aoc_common.contracts.ids import to_ms
from aoc_common.contracts.raw import RawPage
from aoc_common.store.arrivals import lateness_step
from aoc_normalizer.write.arrivals import arrived

NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


def event(at, source="graph-signins"):
    return SimpleNamespace(tenant="contoso", source=source, time_ms=to_ms(at) if at else 0)


def page(*, behind=False):
    return RawPage("contoso", "graph-signins", "s", NOW, b"[]", behind)


def test_records_are_counted_by_the_hour_in_which_they_happened_and_by_how_late_they_came():
    late = [timedelta(minutes=5), timedelta(minutes=45), timedelta(seconds=-3)]

    found = arrived((event(NOW - one), page()) for one in late)

    assert [(str(one.day), dict(one.hours)) for one in found] == [("2026-11-23", {0: 2}), ("2026-11-22", {23: 1})]
    assert [set(one.late) for one in found] == [{lateness_step(300), 0}, {lateness_step(2700)}]
    assert found[0].newest == NOW + timedelta(seconds=3)


def test_what_an_outage_delayed_counts_for_its_hour_and_not_as_late():
    [found] = arrived([(event(NOW), page(behind=True))])

    assert (found.hours.total(), found.late.total()) == (1, 0)


def test_imports_and_records_without_a_time_tell_nothing():
    assert arrived([(event(NOW, "import"), page()), (event(None), page())]) == []
