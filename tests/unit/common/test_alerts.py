from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from aoc_common.contracts.alert import (
    MOST_COUNTED,
    MOST_EVENTS,
    MOST_EVIDENCES,
    MOST_MATCHED,
    MOST_NOTES,
    AlertNote,
    FieldValue,
    alert_id,
)
from aoc_common.contracts.alert_changes import AlertChange, NotesFull, changed, joined
from aoc_common.contracts.alert_finding import attacks, evidence_of, finding
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.contracts.tickets import Ticket, read
from made_alerts import DANA, GROUP, NOW, RULE, alert_event, alert_of

if TYPE_CHECKING:
    from aoc_common.contracts.alert import Alert

LATER = NOW + timedelta(minutes=30)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    embedded = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    return Draft202012Validator(embedded.get_class_schema(class_name="detection_finding", profiles=["incident"]))


def faults(schema: Draft202012Validator, made: dict[str, Any]) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in schema.iter_errors(made)]


def worked_on(alert: Alert) -> Alert:
    note = AlertNote("0b1c", LATER, DANA, "Asked her by phone.")
    return changed(alert, AlertChange("acknowledged", "critical", "suspicious", DANA, note), DANA, LATER)


def test_an_alert_is_a_detection_finding_as_the_schema_has_it(schema: Draft202012Validator) -> None:
    new = alert_of()
    held = worked_on(joined(new, [alert_event(1, 5)], 2, LATER))
    done = changed(held, AlertChange("resolved", verdict="false_positive"), DANA, LATER)
    ticket = Ticket("SEC-4711", "https://tickets.example/SEC-4711", "tickets")
    held = changed(held, AlertChange(ticket=ticket), DANA, LATER)
    bare = alert_of(alert_event(evidence=None, matched=(), actor=None), rule=replace(RULE, description="", tags=()))

    alerts = {"new": new, "held": held, "done": done, "bare": bare}
    made = {name: orjson.loads(AlertMessage.of(alert).linked("https://aoc.example/")) for name, alert in alerts.items()}
    assert [fault for one in made.values() for fault in faults(schema, one)] == []
    told = {name: (one["activity_id"], one["status_id"], one.get("verdict_id")) for name, one in made.items()}
    assert told == {"new": (1, 1, None), "held": (2, 99, 4), "done": (3, 4, 1), "bare": (1, 1, None)}
    assert made["held"]["status"] == "Acknowledged"
    assert made["held"]["tickets"] == [
        {"uid": "SEC-4711", "type_id": 2, "type": "External", "src_url": "https://tickets.example/SEC-4711"}
    ]
    assert made["held"]["assignee"] == {"uid": "directory/dana", "name": "Dana Reyes"}
    assert [one["uid"] for one in made["held"]["finding_info"]["related_events"]] == [str(e.id) for e in held.events]
    assert made["new"]["finding_info"]["src_url"] == f"https://aoc.example/api/alerts/{new.id}?tenant=contoso"
    assert made["held"]["message"] == "Inbox rule forwards mail: 2 events of kim@contoso.example"


def test_techniques_and_tactics_are_those_of_the_tags() -> None:
    assert attacks(("attack.collection", "attack.t1114.003", "detection.threat-hunting")) == [
        {
            "technique": {"uid": "T1114"},
            "sub_technique": {"uid": "T1114.003"},
            "tactics": [{"name": "Collection", "uid": "TA0009"}],
        }
    ]
    assert attacks(("attack.privilege_escalation",)) == [{"tactic": {"name": "Privilege Escalation", "uid": "TA0004"}}]
    assert attacks(("cve.2024-1", "attack.t99")) == []


def test_an_id_says_tenant_rule_group_and_event_and_sorts_by_time() -> None:
    event, other = alert_event(), alert_event(1, 1)
    first = alert_id("contoso", "rule", GROUP, event.id, event.at)
    others = [
        alert_id("fabrikam", "rule", GROUP, event.id, event.at),
        alert_id("contoso", "rule 2", GROUP, event.id, event.at),
        alert_id("contoso", "rule", (), event.id, event.at),
        alert_id("contoso", "rule", GROUP, other.id, event.at),
        alert_id("contoso", "rule", (FieldValue("actork", "im@contoso.example"),), event.id, event.at),
    ]

    assert len({first, *others}) == 6
    assert first == alert_id("contoso", "rule", (FieldValue("actor", "KIM@contoso.example"),), event.id, event.at)
    assert first < alert_id("contoso", "rule", GROUP, other.id, other.at)


def test_an_event_that_an_alert_has_changes_nothing() -> None:
    alert = alert_of(alert_event(), alert_event(1, 1))

    assert joined(alert, [alert_event(1, 1), alert_event()], 2, LATER) == alert


def test_more_events_are_listed_up_to_a_bound_and_counted_beyond() -> None:
    alert = alert_of()
    for number in range(1, MOST_EVENTS + 20):
        alert = joined(alert, [alert_event(number, -number)], number + 1, LATER)

    assert (len(alert.events), alert.count) == (MOST_EVENTS, MOST_EVENTS + 20)
    assert sum(bool(event.matched) for event in alert.events) == MOST_MATCHED
    assert sum(event.evidence is not None for event in alert.events) == MOST_EVIDENCES
    assert alert.first_at == alert_event(0, -MOST_EVENTS - 19).at
    assert alert.revision == MOST_EVENTS  # what is only counted makes none
    beyond = joined(alert, [alert_event(999)], 128, LATER)
    assert (beyond.revision, beyond.count) == (MOST_EVENTS + 1, 128)  # a doubling is told
    assert joined(alert, [alert_event(999)], MOST_COUNTED * 2, LATER).count == MOST_COUNTED


def test_an_alert_about_the_past_is_no_longer_so_with_an_event_of_today() -> None:
    past = alert_of(alert_event(old=True))
    assert past.retrospective
    assert AlertMessage.of(past).headers["Aoc-Retrospective"] == "1"

    now = joined(past, [alert_event(1)], 2, LATER)
    assert (now.retrospective, now.revision) == (False, 2)
    assert not alert_of().retrospective


def test_an_alert_is_as_grave_as_its_gravest_event_until_a_person_says_how_grave_it_is() -> None:
    alert = alert_of()
    assert [joined(alert, [], 1, LATER, one).severity for one in ("low", "critical", None)] == [
        "high",
        "critical",
        "high",
    ]
    assert joined(alert, [alert_event()], 1, LATER, "critical").revision == 2
    said = changed(alert, AlertChange(severity="low"), DANA, LATER)
    assert joined(said, [alert_event(1)], 2, LATER, "critical").severity == "low"


def test_what_people_do_is_a_revision_with_its_history() -> None:
    alert = worked_on(alert_of())

    assert alert.revision == 2
    assert [(one.field, one.old, one.new) for one in alert.history[-1].fields] == [
        ("status", "new", "acknowledged"),
        ("severity", "high", "critical"),
        ("verdict", None, "suspicious"),
        ("assignee", None, "directory/dana"),
        ("note", None, "0b1c"),
    ]
    assert alert.acknowledged_s == 1800
    assert alert.resolved_s is None
    assert worked_on(alert) == alert  # a second time it is as it was
    resolved = changed(alert, AlertChange("resolved"), DANA, LATER + timedelta(hours=1))
    assert resolved.resolved_s == 5400
    reopened = changed(resolved, AlertChange("in_progress", assignee=None), DANA, LATER + timedelta(hours=2))
    assert (reopened.resolved_at, reopened.acknowledged_s, reopened.assignee) == (None, 1800, None)


def test_an_alert_has_so_many_notes_and_changes_and_no_more() -> None:
    alert = alert_of()
    for number in range(MOST_NOTES):
        alert = changed(alert, AlertChange(note=AlertNote(str(number), LATER, DANA, "x")), DANA, LATER)
    with pytest.raises(NotesFull, match="100 notes"):
        changed(alert, AlertChange(note=AlertNote("more", LATER, DANA, "x")), DANA, LATER)

    for number in range(250):
        alert = changed(alert, AlertChange("new" if number % 2 else "in_progress"), DANA, LATER)
    assert len(alert.history) == 200
    assert alert.history[0].by.id == "alerter"


def test_the_ticket_that_somebody_else_names_is_taken_as_far_as_it_is_one() -> None:
    assert read({"id": " SEC-1 ", "url": "https://x.example/1", "more": 1}, "jira") == Ticket(
        "SEC-1", "https://x.example/1", "jira"
    )
    assert read({"id": 4711}, "jira") == Ticket("4711", None, "jira")
    for url in ("javascript:alert(1)", "ftp://x.example", "https://", "https://u:p@x.example", "https://x y", "https://[",
                "https://x.example/" + "x" * 2_000, 7):  # fmt: skip
        assert read({"id": "SEC-1", "url": url}, "jira") == Ticket("SEC-1", None, "jira"), url
    for none in (None, [], {}, {"id": ""}, {"id": " "}, {"id": "x" * 201}, {"id": "a\x1bb"}, {"id": True}, {"id": [1]}):
        assert read(none, "jira") is None, none


def test_evidence_is_taken_as_far_as_it_is_small() -> None:
    actor = {"user": {"name": "kim"}}
    assert evidence_of({"actor": actor, "resources": [{"name": "x" * 9000}], "time": 1}) == {"actor": actor}
    assert evidence_of({"actor": {"user": {"name": "x" * 9000}}}) is None
    assert evidence_of({"resources": [{"name": "x"}], "actor": None}) is None


def test_a_message_says_which_revision_of_what() -> None:
    message = AlertMessage.of(worked_on(alert_of()))

    assert message.subject == "aoc.alerts.contoso.critical"
    assert message.headers["Nats-Msg-Id"].endswith(":2")
    assert message.linked("") == message.body == orjson.dumps(finding(worked_on(alert_of())))
