"""An alerter without a bus, over any database, and the messages that it is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from aoc_alerter import metrics
from aoc_alerter.first_use_decider import FirstUseDecider
from aoc_alerter.flow import make_handler
from aoc_alerter.following_rules import FollowingRules
from aoc_alerter.publishing import AlertPublisher
from aoc_alerter.raising import Raiser
from aoc_alerter.settling import SettlingStores, WindowDecider
from aoc_common.contracts.event import full_event
from aoc_common.contracts.event_message import EventMessage
from aoc_common.store.first_uses import FirstUses
from aoc_common.store.mongo.alert_groups import MongoAlertGroups
from aoc_common.store.mongo.alert_hits import MongoHits
from aoc_common.store.mongo.alerts import MongoAlertOutbox, MongoAlerts
from aoc_common.store.mongo.counted_hits import MongoCountedHits
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.rules import MongoRules
from aoc_common.store.mongo.window_ends import MongoWindowEnds
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_rules.evaluation.completing import Correlator
from aoc_rules.evaluation.deciding import Decider
from aoc_rules.finding import Finder
from aoc_rules.grouping import Found
from aoc_rules.library import LibraryBuilder, shipped
from made_events import unified
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.bus.publish import Outgoing
    from aoc_rules.circumstances.tenants import KnownTenant

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
#: How late events may be.
LATENESS = timedelta(minutes=10)
#: Ids of rules.
FORWARDS = "11111111-0000-4000-8000-000000000001"
ROLES = "22222222-0000-4000-8000-000000000002"
MINE = "33333333-0000-4000-8000-000000000003"


def rule_text(identity: str, operation: str, title: str = "A rule", **more: Any) -> str:
    """A rule on an operation of the unified log, as YAML."""
    rule = {
        "title": title,
        "id": identity,
        "logsource": {"product": "m365", "service": "audit"},
        "detection": {"selection": {"Operation": operation}, "condition": "selection"},
        "level": "high",
        **more,
    }
    return yaml.safe_dump(rule)


def library_builder(*texts: str) -> LibraryBuilder:
    """Of rules that are shipped so."""
    named = ((f"{number}.yml", text.encode()) for number, text in enumerate(texts))
    return LibraryBuilder(*shipped(named), home=True)


PACK = (
    rule_text(FORWARDS, "New-InboxRule", "Inbox rule made", tags=["attack.t1114.003"]),
    rule_text(ROLES, "Add member to role.", "Role granted", aoc={"group_by": ["actor", "operation"], "window": "10m"}),
)


def message(
    record_id: str = "1", operation: str = "New-InboxRule", minutes: float = 0, tenant: str = "contoso", **more: Any
) -> EventMessage:
    """A message of AOC_EVENTS about what happened so many minutes after `NOW`. `more`: of the record."""
    at = NOW + timedelta(minutes=minutes)
    record = unified(operation, "Exchange", 1) | {"Id": record_id, "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}", **more}
    made: Any = normalise(orjson.dumps(record), RecordContext(tenant, "o365-exchange", NOW))
    body = full_event(made.ocsf, made.unmapped, made.raw)
    return EventMessage(
        made.id, tenant, "o365-exchange", made.class_uid, operation, 1, None, None, None, body, service=made.service
    )


def changed(one: EventMessage, version: int = 2, **more: Any) -> EventMessage:
    """A later version of an event, whose record says more."""
    event = {**one.event}
    event["raw_data"] = orjson.dumps({**orjson.loads(event["raw_data"]), **more}).decode()
    return replace(one, version=version, digest=f"{version:032x}", body=orjson.dumps(event))


class Stream:
    """What JetStream does for a publisher: an id is taken once. `sent`: how many came."""

    def __init__(self) -> None:
        self.messages: dict[str, Outgoing] = {}
        self.sent = 0

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.sent += len(messages)
        for one in messages:
            self.messages.setdefault(one.headers["Nats-Msg-Id"], one)

    def findings(self) -> list[dict[str, Any]]:
        return [orjson.loads(one.body) for one in self.messages.values()]


class Alerting:
    """An alerter of one process. `database`: the store, or one that fails."""

    def __init__(
        self,
        database: Any,
        *texts: str,
        stream: Stream | None = None,
        shipped: LibraryBuilder | None = None,
        home: str | None = None,
    ) -> None:
        self.clock = ManualClock(NOW + timedelta(hours=2))
        self.stream = stream or Stream()
        self.rules = MongoRules(database)
        self.following = FollowingRules(self.rules, shipped or library_builder(*(texts or PACK)), self.clock)
        self.tenants: dict[str, KnownTenant] = {}
        self.records: dict[str, Any] = {}
        self.alerts = MongoAlerts(database, timedelta(days=400))
        hits, ends, groups = (
            MongoCountedHits(database),
            MongoWindowEnds(database, self.clock),
            MongoAlertGroups(database),
        )
        raiser = Raiser(MongoHits(database), groups, self.alerts, self.clock)
        correlator = Correlator(hits, ends.add, self.clock.now, LATENESS, home, metrics.CorrelationWatch())
        stores = SettlingStores(ends, groups, self.alerts)
        self._settler = WindowDecider(stores, Decider(correlator), raiser.raise_alerts, self.clock, LATENESS, home)
        self.publisher = AlertPublisher(MongoAlertOutbox(database), self.stream.publish, "https://aoc.example")
        self.handle = make_handler(
            lambda: self.following.library,
            self._tenants,
            self._records,
            FirstUseDecider(FirstUses(make_event_search(database))).decided,
            correlator.correlate,
            raiser.raise_alerts,
            self.publisher.run,
            self.clock,
            timedelta(hours=24),
        )

    async def settle(self) -> None:
        """Decide what is due, and publish it."""
        await self._settler.run(self.following.library.correlations)
        await self.publisher.run()

    async def _tenants(self) -> dict[str, KnownTenant]:
        return self.tenants

    async def _records(self) -> dict[str, Any]:
        return self.records


def found_by(
    *messages: EventMessage, texts: Sequence[str] = PACK, stored: Any = None, tenants: Any = None
) -> list[Found]:
    """What rules find."""
    finder = Finder(library_builder(*texts).library(stored or {}, NOW), tenants or {}, NOW - timedelta(days=1))
    return [one for event in messages for one in finder.found(event) if isinstance(one, Found)]
