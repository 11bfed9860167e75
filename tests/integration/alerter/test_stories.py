"""Each attack of the simulator makes its alerts once, in whatever order and however often its events come."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from alerting import Alerting, changed
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event_message import EventMessage
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.mongo.alerts import MongoAlertSearch
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_rules.builder import library_builder
from aoc_sim.inventory import build_directory
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.stories import STORIES, set_stage
from microsoft_records import event_of
from rule_pack import alerts, pack

if TYPE_CHECKING:
    from aoc_common.contracts.event import Event

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


def told(name: str, tenant: str) -> list[Event]:
    stage = set_stage(build_directory(DEFAULT_TENANTS[0], 7), START, 1.0, f"7:{name}")
    return [event_of(draft.body, draft.source, tenant) for draft in STORIES[name].drafts(stage)]


def message(event: Event) -> EventMessage:
    return EventMessage(
        event.id, event.tenant, event.source, event.class_uid, event.operation, 1, None, None, None, event.message(),
        service=event.service,
    )  # fmt: skip


@pytest.mark.parametrize("order", ["as it happened", pytest.param("late and out of order", marks=pytest.mark.slow)])
async def test_each_story_makes_its_alerts_once(database: Database, order: str) -> None:
    await ensure_indexes(database, ("alerts", "hits", "alert_groups", "counted_hits", "window_ends"))
    alerting = Alerting(database, shipped=library_builder())
    alerting.clock.jump(START + timedelta(hours=4) - alerting.clock.now())
    await alerting.following.look()
    expected, found = {}, {}
    file_of = {held[-1]["id"]: file for file, held in pack().documents.items()}
    for name in STORIES:
        events = told(name, name)
        messages = [message(event) for event in events]
        batches = [messages, messages[len(messages) // 2 :]]
        if order != "as it happened":
            again = [changed(one, Extra=1) for one in messages[::3]]
            Random(name).shuffle(messages)
            batches = [messages[::2], [*again, *messages[1::2]], list(reversed(messages))]
        for batch in batches:
            await alerting.handle(batch)
        expected[name] = Counter(one.name for one in alerts(events))
        stored = await MongoAlertSearch(database).search(AlertQuery(Scope(name)))
        found[name] = Counter(file_of[alert.rule.id] for alert in stored)
        assert not any(alert.retrospective for alert in stored)

    assert found == expected
    assert sum(map(len, found.values())) >= 10
    revisions = Counter(one.headers["Nats-Msg-Id"].partition(":")[0] for one in alerting.stream.messages.values())
    assert len(revisions) == sum(one.total() for one in found.values())
