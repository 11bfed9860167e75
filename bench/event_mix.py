"""Events of AOC_EVENTS for benches: a day's work of the simulator, and among it what a rule of the pack finds."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from aoc_common.contracts.event_message import EventMessage
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim.inventory import build_directory
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.traffic import ActivityTimes, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


def message(record: dict[str, Any], source: str, now: datetime) -> EventMessage:
    """What the normalizer would publish of a record."""
    made: Any = normalise(orjson.dumps(record, default=str), RecordContext("contoso", source, now))
    return EventMessage(
        made.id, made.tenant, source, made.class_uid, made.operation, 1, None, None, None, made.message(),
        service=made.service,
    )  # fmt: skip


def mix(count: int, share: float, now: datetime) -> Iterator[tuple[EventMessage, bool]]:
    """So many messages, and whether each makes an alert."""
    rng, directory = Random("alerting"), build_directory(DEFAULT_TENANTS[0], 7)  # no secret
    moments = ActivityTimes(directory, now - timedelta(hours=8), now).moments(count, rng)
    usual = [draft for at in moments for draft in Traffic(directory).drafts(at, rng, room=1)]
    for number in range(count):
        if rng.random() * 100 < share:
            yield message(inbox_rule(number, now), "o365-exchange", now), True
        else:
            draft = usual[number % len(usual)]
            yield message(draft.body, draft.source, now), False


def inbox_rule(number: int, now: datetime) -> dict[str, Any]:
    """A rule that hides mail, of somebody whose rule no other one is."""
    return {
        "Id": f"bench-{number}",
        "CreationTime": f"{now:%Y-%m-%dT%H:%M:%S}",
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "RecordType": 1,
        "ResultStatus": "True",
        "UserId": f"person{number}@contoso.example",
        "Parameters": [
            {"Name": "SubjectOrBodyContainsWords", "Value": "invoice;payment"},
            {"Name": "MoveToFolder", "Value": "RSS Feeds"},
            {"Name": "MarkAsRead", "Value": "True"},
        ],
    }
