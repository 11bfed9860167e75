"""Alerts are compared with the stories, with what is stored and with what was published: each fault is seen once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from aoc_cli.verify.alert_comparison import AlertOutcome, EventFacts, FoundAlerts, compare_alerts
from aoc_cli.verify.alert_recorder import RecordedAlert, recorded
from aoc_cli.verify.story_alerts import Actions, StoryAlert, story_alerts
from aoc_cli.verify.versions import lacking_first
from aoc_common.contracts.alert import Alert, AlertEvent, AlertRule, FieldValue, alert_id, group_key
from aoc_common.contracts.alert_changes import joined, raised
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.contracts.ids import to_ms
from aoc_common.store.alert_hits import Hit
from aoc_common.store.alerts import StoredAlert
from aoc_common.store.mongo.census import StoredRecord

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
#: The third is the twin of the second.
EVENTS = tuple(UUID(int=number) for number in range(1, 6))
RULE = AlertRule("rule-id", "Somebody downloads")
GROUP = (FieldValue("actor", "Dana@contoso.example"),)
NAMES = {RULE.id: "downloads"}


def event(number: int, after_s: float = 0.0) -> AlertEvent:
    return AlertEvent(EVENTS[number], AT + timedelta(seconds=after_s), "o365-exchange", 6003, "Exchange", "Read")


def alert(*events: AlertEvent, group: tuple[FieldValue, ...] = GROUP) -> Alert:
    first = events[0]
    identity = alert_id("contoso", RULE.id, group, first.id, first.at)
    return raised(identity, "contoso", RULE, group, "high", events, AT)


def hits(*alerts: Alert) -> list[Hit]:
    return [
        Hit("contoso", RULE.id, one.id, one.at, group_key("contoso", RULE.id, alert.group), alert.id)
        for alert in alerts
        for one in alert.events
    ]


def sent(of: Alert, incarnation: int = 0) -> RecordedAlert:
    message = AlertMessage.of(of)
    return recorded(message.headers["Nats-Msg-Id"], message.subject, incarnation, message.body)


FIRST = alert(event(0), event(1))
WHOLE = joined(FIRST, [event(3)], 3, AT)
FACTS = {
    one: frozenset({EventFacts("contoso", "o365-exchange", 6003, to_ms(AT + timedelta(seconds=after)))})
    for one, after in zip(EVENTS, (0, 0, 0, 0, 60), strict=True)
}
FOUND = FoundAlerts([StoredAlert(WHOLE, 2)], hits(WHOLE), [sent(FIRST), sent(WHOLE)], NAMES, FACTS)


def story(*actions: set[UUID], at_least: int = 1, incident: str = "") -> StoryAlert:
    return StoryAlert("leaver", "contoso", "downloads", incident, at_least, frozenset(map(frozenset, actions)))


TOLD = story({EVENTS[0]}, {EVENTS[1], EVENTS[2]}, {EVENTS[3]}, at_least=2)


def compared(found: FoundAlerts = FOUND, *expected: StoryAlert, unread: int = 0) -> AlertOutcome:
    return compare_alerts(expected or [TOLD], found, unread)


def test_an_alert_of_all_that_a_story_is_to_raise_published_in_each_revision_is_right() -> None:
    whole = compared()

    assert (whole.expected, whole.raised, whole.revisions, whole.others, whole.wrong) == (1, 1, 2, {}, {})
    # The stream was deleted between publishing and noting it.
    assert compared(replace(FOUND, messages=[*FOUND.messages, sent(WHOLE, 1)])).wrong == {}


def test_what_no_story_raises_is_counted_by_its_rule_and_not_wrong() -> None:
    quiet = compare_alerts([], FOUND)

    assert (quiet.others, quiet.wrong) == ({"downloads": 1}, {})


def test_what_too_few_records_could_be_had_of_is_excused() -> None:
    nothing = FoundAlerts([], [], [], NAMES, FACTS)
    fewer, enough = story({EVENTS[0]}, at_least=2), story({EVENTS[0]}, {EVENTS[1]}, at_least=2)

    assert (compared(nothing, fewer).excused, compared(nothing, fewer).wrong) == (1, {})
    assert (compared(nothing, enough).excused, compared(nothing, enough).wrong) == (0, {"missed": 1})


def test_each_way_to_be_wrong_is_seen() -> None:
    later = alert(event(4, 60))
    second = replace(later, first_at=AT)
    other = alert(event(4, 60), group=(FieldValue("actor", "somebody"),))
    strange = replace(WHOLE, events=(*WHOLE.events[:2], replace(event(3), id=UUID(int=99))))
    shifted = replace(WHOLE, events=(*WHOLE.events[:2], replace(event(3), at=AT + timedelta(hours=1))))
    again = replace(WHOLE, events=(*WHOLE.events, event(4, 60)), count=4)
    past = replace(WHOLE, events=tuple(replace(one, old=True) for one in WHOLE.events))
    hour, day = timedelta(hours=1), timedelta(hours=25)

    def with_alerts(*stored: Alert, **changes: object) -> FoundAlerts:
        messages = [sent(FIRST), *map(sent, stored)]
        changed = replace(FOUND, alerts=[StoredAlert(one, 1) for one in stored], hits=hits(*stored), messages=messages)
        return replace(changed, **changes)

    wrong = {
        "in no alert": compared(with_alerts(WHOLE), TOLD, story({EVENTS[4]})),
        "lacks an action": compared(with_alerts(WHOLE), story({EVENTS[0]}, {EVENTS[4]})),
        "found, and no alert is there": compared(replace(FOUND, hits=[*FOUND.hits, *hits(other)])),
        "of the same time": compared(with_alerts(WHOLE, second)),
        "two of one incident": compared(with_alerts(WHOLE, later), story({EVENTS[0]}, {EVENTS[4]})),
        "an event in two alerts": compared(with_alerts(again, other)),
        "published twice": compared(replace(FOUND, messages=[*FOUND.messages, sent(WHOLE)])),
        "of an event that is not stored": compared(with_alerts(strange), story({EVENTS[0]})),
        "of another event": compared(with_alerts(shifted)),
        "counts one more": compared(with_alerts(replace(WHOLE, count=4))),
        "of the past, a day later": compared(with_alerts(past, ended=AT + day)),
        "of the past, an hour later": compared(with_alerts(past, ended=AT + hour)),
        "two incidents in one": compared(FOUND, story({EVENTS[0]}), story({EVENTS[1]}, incident="the other")),
        "a revision was never published": compared(replace(FOUND, messages=[sent(WHOLE)])),
        "waits to be published": compared(replace(FOUND, alerts=[StoredAlert(WHOLE, 2, 1)])),
        "published, and not stored": compared(replace(FOUND, messages=[*FOUND.messages, sent(other)])),
        "a revision that is not stored": compared(replace(FOUND, alerts=[StoredAlert(replace(WHOLE, revision=1), 1)])),
        "says other events": compared(replace(FOUND, messages=[sent(FIRST), sent(again)])),
        "not read": compared(unread=3),
    }

    assert {what: outcome.wrong for what, outcome in wrong.items()} == {
        "in no alert": {"missed": 1},
        "lacks an action": {"missed": 1},
        "found, and no alert is there": {"missed": 1},
        "of the same time": {"doubled": 1},
        "two of one incident": {"doubled": 1},
        "an event in two alerts": {"doubled": 1},
        "published twice": {"doubled": 1},
        "of an event that is not stored": {"strange": 1},
        "of another event": {"strange": 1},
        "counts one more": {"strange": 1},
        "of the past, a day later": {},
        "of the past, an hour later": {"strange": 3},
        "two incidents in one": {"strange": 1},
        "a revision was never published": {"unpublished": 1},
        "waits to be published": {"unpublished": 1},
        "published, and not stored": {"unstored": 1},
        "a revision that is not stored": {"unstored": 1},
        "says other events": {"unstored": 1},
        "not read": {"unread": 3},
    }
    assert wrong["lacks an action"].examples == {"missed": ["contoso/leaver/downloads: 1 of 2 actions are in no alert"]}


def test_a_message_that_is_no_finding_is_of_no_alert() -> None:
    assert [recorded("a:1", "aoc.alerts.contoso.high", 0, body).alert for body in (b"", b"[]", b"{}")] == [""] * 3


def test_a_story_is_told_by_the_records_that_are_stored() -> None:
    records = [
        StoredRecord(EVENTS[0], "contoso", "graph-signins", "A", "Sign-in"),
        StoredRecord(EVENTS[1], "contoso", "graph-signins", "b", "Sign-in"),
        StoredRecord(EVENTS[2], "contoso", "o365-azuread", "c", "UserLoggedIn", twin_of=EVENTS[1]),
    ]
    keys = {one.id: (one.tenant, one.source, one.record_id.lower()) for one in records}
    raises = [{"rule": "downloads", "incident": "", "at_least": 2}]
    told = [("graph-signins", "A"), ("graph-signins", "b"), ("o365-azuread", "c"), ("o365-azuread", "expired")]
    of_story = {
        "name": "leaver",
        "records": [
            *({"tenant": "contoso", "source": source, "id": name, "raises": raises} for source, name in told),
            {"tenant": "contoso", "source": "graph-signins", "id": "A", "raises": []},
        ],
    }

    actions = Actions(records, keys)
    assert story_alerts([of_story], actions) == [story({EVENTS[0]}, {EVENTS[1], EVENTS[2]}, at_least=2)]
    [without] = story_alerts([of_story], actions, {("contoso", "graph-signins", "a")})
    assert without.excused


def test_a_record_that_was_stored_in_later_states_alone_is_known() -> None:
    states = [{"served": True, "record": {"id": "A", "risk": risk}} for risk in ("high", "none")]
    truth = {"contoso": {"graph-risk-detections": {"A": states}}}
    key = ("contoso", "graph-risk-detections", "a")
    later, first = (orjson.dumps({"id": "a", "risk": risk}).decode() for risk in ("none", "high"))

    assert lacking_first(truth, {key: [later]}) == {key}
    assert lacking_first(truth, {key: [later, first]}) == set()
