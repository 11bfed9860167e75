"""The alerter in a run: what it is started with, how long it is waited for, and what its alerts are compared with."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import httpx
from nats.errors import Error as NatsError

from aoc_cli.verify.alert_comparison import AlertOutcome, EventFacts, FoundAlerts, compare_alerts
from aoc_cli.verify.story_alerts import Actions, story_alerts
from aoc_cli.verify.versions import changed_keys, lacking_first
from aoc_common import roster
from aoc_common.bus import consumers
from aoc_common.bus.broker import jetstream
from aoc_common.bus.readers import view
from aoc_common.contracts.publications import Position
from aoc_common.errors import Transient
from aoc_common.store.mongo.alert_census import MongoAlertCensus
from aoc_common.store.mongo.census import MongoCensus
from aoc_common.store.mongo.readers import MongoReaders
from aoc_rules.pack import rule_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_cli.verify.links import Links
    from aoc_cli.verify.proof import Proof
    from aoc_common.contracts.reading import Checkpoint
    from aoc_common.store.mongo.client import Database

#: How long the alerter may take behind the rest, and how long events are waited for that no page has told of yet when
#: all else is read, seconds.
_READ_WITHIN_S: Final = 180.0
_SOUGHT_S: Final = 15.0
_POLL_S: Final = 0.3


class Alerting:
    """The alerter of a run. `on`: whether there is one."""

    def __init__(self, report: Callable[[str], None], *, on: bool) -> None:
        self.on = on
        self._report = report
        self._unread = 0

    def settings(self, collector: Mapping[str, str]) -> Mapping[str, str]:
        """Environment of the alerter: the tenants that are collected."""
        return {name: value for name, value in collector.items() if name == roster.ALERTER.tenants_file}

    async def read(self, links: Links) -> None:
        """Wait until the alerter has read what is published now, and published what it found; or for so long."""
        if not self.on:
            return
        deadline = time.monotonic() + _READ_WITHIN_S
        end: Position | None = None
        sought_since: float | None = None
        while time.monotonic() < deadline:
            try:
                if end is None:
                    stream = await view(jetstream(links.operator))
                    end = Position(stream.incarnation, stream.last)
                state = await MongoReaders(links.database).read(consumers.ALERTER.name)
                waiting = await MongoAlertCensus(links.database).unpublished()
                self._unread = _unread(state, end)
                self._report(f"alerter: {self._unread:,} events to read, {waiting:,} alerts to publish")
                if state is not None and not self._unread and not waiting:
                    sought_since = sought_since or time.monotonic()
                    if not state.sought or time.monotonic() - sought_since > _SOUGHT_S:
                        return
            except (Transient, NatsError, TimeoutError) as error:
                self._report(f"asked in vain: {error}")
            await asyncio.sleep(_POLL_S)

    async def outcome(self, links: Links, proof: Proof, changes: Mapping[str, Any]) -> AlertOutcome | None:
        """The alerts compared with the stories, and with what `proof` found in the store. The alerter has ended."""
        if not self.on:
            return None
        stories = (await _get(links.simulator, "/_stories"))["stories"]
        actions = Actions(proof.records, proof.keys)
        expected = story_alerts(stories, actions, await _unseen(proof, links.database, changes))
        census = MongoAlertCensus(links.database)
        found = FoundAlerts(
            alerts=[alert async for alert in census.alerts()],
            hits=[hit async for hit in census.hits()],
            messages=links.alert_recorder.messages,
            names=rule_names(),
            facts=_facts(proof),
        )
        return compare_alerts(expected, found, self._unread, await census.undecided())


def _unread(state: Checkpoint | None, end: Position) -> int:
    """How many events up to there were not handled yet, about."""
    if state is None:
        return max(end.sequence, 1)
    if state.position >= end:
        return int(state.hole is not None)
    here = state.position.incarnation == end.incarnation
    return max(end.sequence - (state.position.sequence if here else 0), 1)


def _facts(proof: Proof) -> Mapping[UUID, frozenset[EventFacts]]:
    """Event -> what is true of it, and of the other event of its action: an alert may name the one and mean both."""
    facts: defaultdict[UUID, set[EventFacts]] = defaultdict(set)
    for record in proof.records:
        key = proof.keys.get(record.id)
        if key is None or (true := proof.ground_truth.facts.get(key)) is None:
            continue
        one = EventFacts(key[0], key[1], true.class_uid, true.time_ms)
        facts[record.id].add(one)
        if record.twin_of is not None:
            facts[record.twin_of].add(one)
    return {event: frozenset(of) for event, of in facts.items()}


async def _unseen(proof: Proof, database: Database, changes: Mapping[str, Any]) -> set[RecordKey]:
    """Records that changed, and of which the first state is not stored: a rule may have been about that."""
    changed = changed_keys(changes)
    events = {event: key for event, key in proof.keys.items() if key in changed}
    texts: defaultdict[RecordKey, list[str]] = defaultdict(list)
    async for event, _, text in MongoCensus(database).texts(list(events)):
        texts[events[event]].append(text)
    return lacking_first(changes, texts)


async def _get(simulator: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await simulator.get(path)).raise_for_status().json()
    return answer
