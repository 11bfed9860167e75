from __future__ import annotations

from dataclasses import replace

from aoc_common.contracts.alert import AlertNote, FieldValue
from aoc_common.contracts.privacy.alerts import redacted_alert
from aoc_common.contracts.privacy.private_values import MARK, MOST_VALUES
from made_alerts import DANA, NOW, alert_event, alert_of

FIELDS = frozenset({"address", "file"})


def test_values_are_hidden_by_their_name_and_wherever_they_stand() -> None:
    event = alert_event(
        matched=(
            FieldValue("SourceFileName|endswith", "salaries.xlsx"),
            FieldValue("Message|contains", "opened salaries.xlsx"),
            FieldValue("ClientIP|cidr", "192.0.2.7"),
            FieldValue("properties.ipAddress", "2001:db8::7"),
            FieldValue("Operation", "FileAccessed"),
        ),
        evidence={"src_endpoint": {"ip": "192.0.2.7"}, "actor": {"user": {"name": "kim"}}},
    )
    alert = replace(
        alert_of(event, alert_event(1)),
        group=(FieldValue("ip", "192.0.2.7"), FieldValue("actor", "kim")),
        notes=(AlertNote("1", NOW, DANA, "salaries.xlsx was mine"),),
    )
    shown = redacted_alert(alert, FIELDS)

    assert [one.value for one in shown.group] == [MARK, "kim"]
    assert [one.value for one in shown.events[0].matched] == [MARK, f"opened {MARK}", MARK, MARK, "FileAccessed"]
    assert shown.events[0].evidence == {"src_endpoint": {"name": MARK}, "actor": {"user": {"name": "kim"}}}
    assert shown.events[1] == alert.events[1]
    assert [note.text for note in shown.notes] == [MARK]
    assert redacted_alert(alert, frozenset()) == alert


def test_with_more_values_than_are_looked_for_none_is_shown() -> None:
    many = tuple(FieldValue("SourceFileName", f"name-{number:06}.xlsx") for number in range(MOST_VALUES + 10))
    shown = redacted_alert(alert_of(alert_event(matched=many, evidence=None)), FIELDS)

    assert {one.value for one in shown.events[0].matched} == {MARK}
    assert {one.value for one in shown.group} == {MARK}
