from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from alerting import MINE, NOW, found_by, message, rule_text
from aoc_common.contracts.alert import FieldValue
from aoc_common.contracts.ids import event_id, to_ms
from aoc_common.store.alert_groups import AlertGroup
from aoc_rules.attributes import Grouping, attributes_of
from aoc_rules.grouping import Placed, Resolved, asks_for, placed
from aoc_rules.sigma.faults import RuleRefused
from each import each
from sigma_rules import rule_on

GROUP = (FieldValue("actor", "kim@contoso.example"),)
HOUR = timedelta(hours=1)


def event(number: int, minutes: float, window: timedelta = HOUR) -> Placed:
    at = NOW + timedelta(minutes=minutes)
    return Placed("contoso", "rule", GROUP, event_id("contoso", "test", str(number), to_ms(at)), at, window)


def alerts_of(*batches, resolved=None) -> list[list[int]]:
    """Which events are of one alert, by their numbers, in the order of the first of each."""
    group = AlertGroup("key", "contoso")
    found: dict = {}
    for batch in batches:
        group, alerts = placed(group, [one for _, one in batch], resolved or {})
        for number, one in batch:
            found.setdefault(alerts[one.event], []).append(number)
    return sorted(sorted(one) for one in found.values())


def numbered(*minutes: float) -> list[tuple[int, Placed]]:
    return [(number, event(number, minute)) for number, minute in enumerate(minutes)]


def test_events_a_window_apart_are_one_alert_and_later_ones_another() -> None:
    assert alerts_of(numbered(0, 60, 120, 180.02)) == [[0, 1, 2], [3]]
    assert alerts_of(*([one] for one in numbered(0, 60, 120, 180.02))) == [[0, 1, 2], [3]]


def test_one_incident_is_one_alert_in_whatever_order_its_events_come() -> None:
    for order in permutations(numbered(0, 10, 25, 55)):
        assert alerts_of(*([one] for one in order)) == [[0, 1, 2, 3]]


def test_who_places_an_event_again_finds_the_same_alert() -> None:
    group, first = placed(AlertGroup("key", "contoso"), [event(0, 0), event(1, 30)], {})
    again, second = placed(group, [event(1, 30)], {})

    assert second.items() <= first.items()
    assert again == group
    other, third = placed(AlertGroup("key", "contoso"), [event(0, 0)], {})
    assert set(third.values()) == set(first.values())
    assert placed(other, [event(1, 30)], {})[1].items() <= first.items()


def test_what_comes_after_an_alert_was_resolved_is_another_and_what_happened_before_is_not() -> None:
    group, alerts = placed(AlertGroup("key", "contoso"), [event(0, 0)], {})
    (alert,) = alerts.values()
    resolved = {alert: Resolved(NOW + timedelta(minutes=20))}

    assert placed(group, [event(1, 20)], resolved)[1] == {event(1, 20).event: alert}
    assert placed(group, [event(2, 21)], resolved)[1] != {event(2, 21).event: alert}


def test_what_was_a_false_positive_takes_what_comes_after_it_for_a_while_unless_the_latest_verdict_differs() -> None:
    group, alerts = placed(AlertGroup("key", "contoso"), [event(0, 0)], {})
    (alert,) = alerts.values()
    day = timedelta(days=1)
    false = {alert: Resolved(NOW + timedelta(minutes=300), false_positive=True)}
    true = {alert: Resolved(NOW + timedelta(minutes=300))}

    def joins(minutes: float, resolved: Any, suppress: timedelta = day, before: AlertGroup = group) -> bool:
        one = replace(event(1, minutes), suppress=suppress)
        assert alert in asks_for(before, [one])
        return placed(before, [one], resolved)[1][one.event] == alert

    assert [joins(minutes, false) for minutes in (-61, -60, 200, 300 + 1440, 300 + 1440.01)] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not joins(301, true)
    assert not joins(301, {})
    assert placed(group, [event(1, 301)], false)[1][event(1, 301).event] != alert
    # Another alert of the group that was found to be true later on: the latest verdict counts.
    both, others = placed(group, [event(2, 120)], {})
    other = others[event(2, 120).event]
    assert not joins(400, {**false, other: Resolved(NOW + timedelta(minutes=320))}, before=both)
    assert joins(400, {**false, other: Resolved(NOW + timedelta(minutes=280))}, before=both)
    # One that is open takes what is near it.
    near, _ = placed(group, [event(2, 390)], {})
    assert not joins(400, false, before=near)


def test_what_goes_on_is_told_once_a_day() -> None:
    alerts = alerts_of(numbered(*range(0, 3 * 24 * 60, 30)))

    assert [len(one) for one in alerts] == [49, 49, 46]


def test_of_two_near_alerts_the_nearest_is_joined() -> None:
    group = AlertGroup("key", "contoso")
    for one in (event(0, 0), event(1, 100)):
        group, _ = placed(group, [one], {})
    first, second = (span.alert for span in group.spans)

    assert placed(group, [event(2, 45)], {})[1] == {event(2, 45).event: first}
    assert placed(group, [event(3, 55)], {})[1] == {event(3, 55).event: second}


def test_a_rule_says_by_what_events_are_one_alert() -> None:
    plain = rule_on({"a": "b"})
    assert attributes_of(plain.title, plain.attributes).grouping == Grouping(("actor",), HOUR)
    made = attributes_of("A rule", {"aoc": {"group_by": "ip", "window": "7d", "enabled": False}})
    assert (made.grouping, made.enabled) == (Grouping(("ip",), timedelta(days=7), by_default=False), False)


@each(
    ("held", "place"),
    [
        ("often", "aoc:"),
        ({"window": "31d"}, "aoc.window"),
        ({"window": 60}, "aoc.window"),
        ({"group_by": {"actor": 1}}, "aoc.group_by"),
        ({"group_by": [""]}, "aoc.group_by"),
        ({"group_by": list("abcdef")}, "at most 5"),
        ({"enabled": "no"}, "aoc.enabled"),
        ({"windows": "1h"}, "aoc.windows: there is no such attribute; there are group_by, window"),
    ],
)
def test_what_a_rule_cannot_say_is_named(held, place) -> None:
    with pytest.raises(RuleRefused, match=place):
        attributes_of("A rule", {"aoc": held})


def test_a_group_is_made_of_the_event_and_of_fields_of_the_record() -> None:
    fields = ["actor", "Parameters.ForwardTo", "ClientIP", "Nothing"]
    rule = rule_text(MINE, "New-InboxRule", aoc={"group_by": fields})
    record = {"Parameters": [{"Name": "ForwardTo", "Value": "mallory@evil.example"}], "ClientIP": "192.0.2.7"}
    (found,) = found_by(message(**record), texts=[rule])

    values = ["kim@contoso.example", "mallory@evil.example", "192.0.2.7", ""]
    assert found.placed.group == tuple(map(FieldValue, fields, values))
    nothing = rule_text(MINE, "New-InboxRule", aoc={"group_by": ["Nothing"]})
    (alone,) = found_by(message(), texts=[nothing])
    assert alone.placed.group == (FieldValue("event", str(message().id)),)


def test_an_address_is_the_same_however_a_record_spells_it() -> None:
    by_address = rule_text(MINE, "New-InboxRule", aoc={"group_by": ["ClientIP", "UserId"]})
    spelt = ("203.0.113.9", "::ffff:203.0.113.9", "203.0.113.9:16902", "[::ffff:203.0.113.9]:443")
    groups = [found.placed.group for text in spelt for found in found_by(message(ClientIP=text), texts=[by_address])]

    assert [group[0].value for group in groups] == ["203.0.113.9"] * 4
    assert len(set(groups)) == 1
