"""Alerts as they are stored and published, against the simulator's stories and the stored events; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from aoc_common.contracts import subjects
from aoc_common.contracts.alert import MOST_COUNTED, MOST_EVENTS
from aoc_common.contracts.ids import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aoc_cli.verify.alert_recorder import RecordedAlert
    from aoc_cli.verify.story_alerts import StoryAlert
    from aoc_common.contracts.alert import Alert
    from aoc_common.store.alert_hits import Hit
    from aoc_common.store.alerts import StoredAlert

_SHOWN: Final = 20
#: From which age on events are of the past, as the alerter of a run has it, which has no setting for that.
_OLD_AFTER: Final = timedelta(hours=24)
#: Counters that must be zero.
_MUST_BE_ZERO: Final = ("missed", "doubled", "strange", "unpublished", "unstored", "unread")


class EventFacts(NamedTuple):
    """What is true of an event that an alert names."""

    tenant: str
    source: str
    class_uid: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class AlertOutcome:
    """What became of the alerts.

    - `expected`: that stories are to raise; `excused`: of these, those of which too many records could not be had.
      `missed`: those that are not there, or lack an event; and events that a rule has found and no alert has.
    - `raised`: all that are stored; `others`: of these, those that no story is to raise, by rule.
    - `doubled`: a second alert of one incident, and revisions that AOC_ALERTS had twice in one life.
    - `strange`: alerts of events that are not stored or are others, or are not as old as they say; that count wrongly;
      that are two incidents.
    - `revisions`: messages of AOC_ALERTS. `unpublished`: revisions that it never had; `unstored`: those that it had of
      alerts that are not stored, or say something else.
    - `unread`: events that the alerter has not read in time. `undecided`: stretches of time in which something may yet
      turn out not to have happened; nobody waits for them.
    """

    expected: int = 0
    excused: int = 0
    missed: int = 0
    raised: int = 0
    doubled: int = 0
    strange: int = 0
    revisions: int = 0
    unpublished: int = 0
    unstored: int = 0
    unread: int = 0
    undecided: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, int]:
        """The counters that must be zero and are not."""
        return {name: count for name in _MUST_BE_ZERO if (count := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class FoundAlerts:
    """What is there. `names`: id of a rule -> its name. `facts`: event -> what is true of it, and of its twin.

    `ended`: when the alerter had ended, by a clock that is right.
    """

    alerts: Sequence[StoredAlert]
    hits: Sequence[Hit]
    messages: Sequence[RecordedAlert]
    names: Mapping[str, str]
    facts: Mapping[UUID, frozenset[EventFacts]]
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))


def compare_alerts(
    expected: Sequence[StoryAlert], found: FoundAlerts, unread: int = 0, undecided: int = 0
) -> AlertOutcome:
    """Compare."""
    of_stories = _OfStories(expected, found)
    by_id = {one.alert.id: one.alert for one in found.alerts}
    hits: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for hit in found.hits:
        hits[hit.alert].add(hit.event)
    lost = {f"{alert}: {len(events)} events" for alert, events in hits.items() if alert not in by_id}
    again = {_name_of(alert, found.names) for alert in _second_alerts(list(by_id.values()))}
    strange = {
        f"{_name_of(alert, found.names)}: {why}"
        for alert in by_id.values()
        for why in _faults(alert, hits[alert.id], found)
    }
    repeated = _repeated(found.messages)
    unpublished = set(_unpublished(found))
    unstored = set(_unstored(found.messages, by_id))
    groups = {
        "missed": of_stories.missed,
        "missed: found, and in no alert": lost,
        "doubled: a second alert": of_stories.doubled | again,
        "doubled: published": repeated,
        "strange": strange | of_stories.merged,
        "unpublished": unpublished,
        "unstored": unstored,
    }
    others = Counter(
        found.names.get(alert.rule.id, alert.rule.id) for alert in by_id.values() if alert.id not in of_stories.alerts
    )
    return AlertOutcome(
        expected=len(expected),
        excused=sum(one.excused for one in expected),
        missed=len(of_stories.missed) + len(lost),
        raised=len(by_id),
        doubled=len(of_stories.doubled | again) + len(repeated),
        strange=len(strange) + len(of_stories.merged),
        revisions=len(found.messages),
        unpublished=len(unpublished),
        unstored=len(unstored),
        unread=unread,
        undecided=undecided,
        others=dict(sorted(others.items())),
        examples={what: sorted(group)[:_SHOWN] for what, group in groups.items() if group},
    )


class _OfStories:
    """Which alerts the stories have raised. `merged`: two incidents of one story in one alert."""

    def __init__(self, expected: Iterable[StoryAlert], found: FoundAlerts) -> None:
        alert_of = {(found.names.get(hit.rule, hit.rule), hit.event): hit.alert for hit in found.hits}
        told = {one.alert.id: _name_of(one.alert, found.names) for one in found.alerts}
        owners: defaultdict[tuple[str, UUID], list[StoryAlert]] = defaultdict(list)
        self.alerts: set[UUID] = set()
        self.missed: set[str] = set()
        self.doubled: set[str] = set()
        self.merged: set[str] = set()
        for one in expected:
            cited = [
                {alert for event in action if (alert := alert_of.get((one.rule, event))) is not None}
                for action in one.actions
            ]
            alerts = sorted(set[UUID]().union(*cited))
            self.alerts.update(alerts)
            if not one.excused and not all(cited):
                lacking = sum(not there for there in cited)
                self.missed.add(f"{one}: {lacking} of {len(cited)} actions are in no alert")
            self.doubled |= {told.get(alert, str(alert)) for alert in alerts[1:]}
            for alert in alerts:
                owners[one.story, alert].append(one)
        self.merged |= {
            f"{told.get(alert, alert)}: is {len(several)} incidents of {story}"
            for (story, alert), several in owners.items()
            if len(several) > 1
        }


def _second_alerts(alerts: Sequence[Alert]) -> Iterator[Alert]:
    """Alerts of a rule and a group of which an earlier one has the same time, or one of the events."""
    groups: defaultdict[tuple[str, str, tuple[tuple[str, str], ...]], list[Alert]] = defaultdict(list)
    for alert in alerts:
        common = tuple((one.field, one.value.casefold()) for one in alert.group)
        groups[alert.tenant, alert.rule.id, common].append(alert)
    for of_group in groups.values():
        ordered = sorted(of_group, key=lambda alert: (alert.first_at, alert.id))
        for before, after in pairwise(ordered):
            if after.first_at <= before.last_at:
                yield after
    owner: dict[tuple[str, UUID], Alert] = {}
    for alert in sorted(alerts, key=lambda alert: alert.id):
        if any(owner.setdefault((alert.rule.id, event.id), alert) is not alert for event in alert.events):
            yield alert


def _faults(alert: Alert, hits: set[UUID], found: FoundAlerts) -> Iterator[str]:
    """What an alert says that is not so. `hits`: the events that it has by what was noted of each."""
    for event in alert.events:
        known = found.facts.get(event.id, frozenset())
        if not known:
            yield f"{event.id} is no stored event"
        elif EventFacts(alert.tenant, event.source, event.class_uid, to_ms(event.at)) not in known:
            yield f"{event.id} is another event: {event.source}, {event.class_uid}, {event.at}"
        if event.old and event.at > found.ended - _OLD_AFTER:
            yield f"{event.id} is marked as past: {event.at}"
    listed = {event.id for event in alert.events}
    if listed - hits or (len(hits) <= MOST_EVENTS and listed != hits):
        yield f"lists {len(listed)} events, {len(listed & hits)} of the {len(hits)} that were noted"
    if alert.count != min(len(hits), MOST_COUNTED):
        yield f"counts {alert.count} events; {len(hits)} were noted"


def _repeated(messages: Iterable[RecordedAlert]) -> set[str]:
    """Revisions that AOC_ALERTS had twice in one life: it knows their ids for a day."""
    times = Counter((message.incarnation, message.message_id) for message in messages)
    return {message for (_, message), count in times.items() if count > 1}


def _unpublished(found: FoundAlerts) -> Iterator[str]:
    """Revisions of stored alerts that were never on AOC_ALERTS, or wait to be published still."""
    published = {message.message_id for message in found.messages}
    for one in found.alerts:
        revisions = [f"{one.alert.id}:{number}" for number in range(1, one.alert.revision + 1)]
        lacking = [revision for revision in revisions if revision not in published]
        yield from lacking
        if one.waiting and not lacking:
            yield f"{one.alert.id}: {one.waiting} wait"


def _unstored(messages: Iterable[RecordedAlert], by_id: Mapping[UUID, Alert]) -> Iterator[str]:
    """Messages that are of no stored alert, of a revision that it has not, or say something else than is stored."""
    of = {str(identity): alert for identity, alert in by_id.items()}
    for message in messages:
        name, _, revision = message.message_id.partition(":")
        alert = of.get(name)
        known = alert is not None and revision.isdigit() and 1 <= int(revision) <= alert.revision
        if alert is None or not known or not _says(message, alert):
            yield f"{message.message_id} on {message.subject}"


def _says(message: RecordedAlert, alert: Alert) -> bool:
    """Whether a message tells of this alert. Its severity may be another one later."""
    there = message.subject.rpartition(".")[0] == subjects.alerts(alert.tenant, alert.severity).rpartition(".")[0]
    events = {str(event.id) for event in alert.events}
    same = (message.alert, message.rule) == (str(alert.id), alert.rule.id)
    return there and same and bool(message.events) and message.events <= events


def _name_of(alert: Alert, names: Mapping[str, str]) -> str:
    return f"{alert.tenant}/{names.get(alert.rule.id, alert.rule.id)}/{alert.id}"
