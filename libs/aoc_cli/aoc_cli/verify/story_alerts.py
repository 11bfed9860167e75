"""The alerts that the simulator's stories are to raise, as far as their records could be had."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_common.store.mongo.census import StoredRecord


@dataclass(frozen=True, slots=True)
class StoryAlert:
    """One alert that a story is to raise. `rule`: by its name in the pack; `incident`: which of the rule's alerts.

    `actions`: those stored that the alert is to have, each as the ids of its events: of the two events of one action an
    alert names one. `at_least`: of fewer the rule makes no alert.
    """

    story: str
    tenant: str
    rule: str
    incident: str = ""
    at_least: int = 1
    actions: frozenset[frozenset[UUID]] = field(default=frozenset())

    @property
    def excused(self) -> bool:
        """Whether too little of it could be had."""
        return len(self.actions) < self.at_least

    def __str__(self) -> str:
        return "/".join(filter(None, (self.tenant, self.story, self.rule, self.incident)))


class Actions:
    """Which stored events are one action."""

    def __init__(self, stored: Iterable[StoredRecord], keys: Mapping[UUID, RecordKey]) -> None:
        """`keys`: event -> its record."""
        self._events = {key: event for event, key in keys.items()}
        self._first: dict[UUID, UUID] = {}
        self._of: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for record in stored:
            first = self._first[record.id] = record.twin_of or record.id
            self._of[first].add(record.id)

    def of_event(self, event: UUID) -> frozenset[UUID]:
        """The events of the action of a stored event; empty for one that is not stored."""
        first = self._first.get(event)
        return frozenset() if first is None else frozenset(self._of[first] | {first})

    def of_record(self, key: RecordKey) -> frozenset[UUID]:
        """The same by a record."""
        event = self._events.get(key)
        return frozenset() if event is None else self.of_event(event)


def story_alerts(
    stories: Iterable[Mapping[str, Any]], actions: Actions, unseen: Collection[RecordKey] = ()
) -> list[StoryAlert]:
    """What is to be there. `stories`: of `/_stories`; `unseen`: records of which the first state is not stored."""
    found: list[StoryAlert] = []
    for story in stories:
        of_alert: defaultdict[tuple[str, str, str, int], set[frozenset[UUID]]] = defaultdict(set)
        for key, raises in _marked(story):
            action = frozenset[UUID]() if key in unseen else actions.of_record(key)
            of_alert[key[0], raises["rule"], raises["incident"], raises["at_least"]] |= {action} - {frozenset()}
        for (tenant, rule, incident, at_least), held in of_alert.items():
            found.append(StoryAlert(story["name"], tenant, rule, incident, at_least, frozenset(held)))
    return found


def _marked(story: Mapping[str, Any]) -> Iterator[tuple[RecordKey, Mapping[str, Any]]]:
    for record in story["records"]:
        for raises in record["raises"]:
            yield _key(record), raises


def _key(record: Mapping[str, Any]) -> RecordKey:
    return record["tenant"], record["source"], record["id"].lower()
