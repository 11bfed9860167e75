"""Windows of correlations against pySigma's SQLite backend, over shuffled events of all types.

Allowed differences, each left out of what is generated, or compared for what is the same:

- `few`: the backend looks for `lt` and `lte` back from each event, where the first is always few; here ahead of it.
- `in order`: the backend tells the earliest event of each rule, here every event that has a part in the order.
- `order that is not there`: `temporal_ordered` with anything but `gte` and `gt` is refused here.
- `nothing`: an alternative of only `not` is refused here; the backend looks at all events there are.
- `the last windows`: the backend decides none that ends after the last event; here the clock decides.
"""

from __future__ import annotations

import sqlite3
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from aoc_rules.correlation.windows import Seen, holding
from correlating import ALL, base_texts, correlation_text, library_of
from each import each

SPAN = 60
FOREVER = 10**12
SAID: list[dict[str, Any]] = [
    {"condition": {"gte": 3}},
    {"condition": {"gt": 2}, "rules": ["a", "b"]},
    {"condition": {"eq": 2}},
    {"condition": {"neq": 2}},
    {"type": "value_count", "condition": {"gte": 2, "field": "Size"}},
    {"type": "value_sum", "condition": {"gte": 12, "field": "Size"}, "rules": ["a", "b"]},
    {"type": "value_avg", "condition": {"gt": 4, "field": "Size"}},
    {"type": "value_median", "condition": {"lte": 3, "field": "Size"}},
    {"type": "value_percentile", "condition": {"gte": 6, "field": "Size", "percentile": 75}},
    {"type": "temporal", "rules": ["a", "b", "c"]},
    {"type": "temporal", "rules": ["a", "b", "c"], "condition": {"gte": 2}},
    {"type": "temporal", "rules": ["a", "b", "c"], "condition": {"eq": 2}},
    {"type": "temporal_ordered", "rules": ["a", "b", "c"]},
    {"type": "temporal_ordered", "rules": ["a", "b", "c"], "condition": {"gte": 2}},
    {"type": "temporal", "rules": ["a", "b", "c"], "condition": "a and not b"},
    {"type": "temporal", "rules": ["a", "b", "c"], "condition": "(a or b) and not (c and b)"},
    {"type": "temporal", "rules": ["a", "b", "c"], "condition": "a and b or c and not a"},
    {"type": "temporal_ordered", "rules": ["a", "b", "c"], "condition": "a and b and not c"},
]  # fmt: skip


def _without_all_named(said: dict[str, Any]) -> dict[str, Any]:
    """Rules that an expression does not name are none of its."""
    if not isinstance(said.get("condition"), str):
        return said
    words = said["condition"].replace("(", " ").replace(")", " ").split()
    return said | {"rules": [name for name in said["rules"] if name in words]}


@pytest.mark.slow
@each("said", SAID, ids=str)
def test_windows_are_those_of_the_sqlite_backend(said: dict[str, Any]) -> None:
    said = _without_all_named(said) | {"timespan": f"{SPAN}s"}
    text = correlation_text(**said)
    plan = library_of(text).correlations.plans[ALL]
    collection = SigmaCollection.from_yaml("---\n".join([*base_texts(), text]))
    backend = sqliteBackend(timestamp_field="at", event_id_field="id", timestamp_seconds_expression="{field}")
    (sql,) = (query for query in backend.convert(collection) if query.startswith("WITH "))
    random, both = Random(str(said)), 0
    for _ in range(25):
        events = [
            (
                f"{number}",
                random.randrange(0, 300, 5),
                random.choice("abc"),
                random.choice(("kim", "sam")),
                random.choice(("1", "3", "7", "x")),
            )
            for number in range(random.randrange(1, 25))
        ]
        here = _here(plan, events)
        there = _there(sql, events)
        last = max(event[1] for event in events)
        if plan.ahead:
            here = {key: evidence for key, evidence in here.items() if key[2] <= last}
        assert here.keys() == there.keys(), (said, events)
        for key, evidence in there.items():
            assert evidence <= here[key] if said.get("type") == "temporal_ordered" else evidence == here[key], (
                key,
                events,
            )
        both += len(here)
    assert both > 8


def _here(plan: Any, events: list[Any]) -> dict[tuple[str, int, int], set[str]]:
    found = {}
    names = {name: place for place, slot in enumerate(plan.slots) for name in slot.names}
    for user in ("kim", "sam"):
        hits = [
            Seen(names[name], UUID(int=int(identity)), at * 1000, (size,) if plan.slots[0].field else ())
            for identity, at, name, who, size in events
            if who == user and name in names
        ]
        for window in holding(plan, hits, -FOREVER, FOREVER):
            evidence = {str(hit.event.int) for hit in window.hits}
            found[user, window.start // 1000, window.end // 1000] = evidence
    return found


def _there(sql: str, events: list[Any]) -> dict[tuple[str, int, int], set[str]]:
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE logs (id TEXT, at INTEGER, Operation TEXT COLLATE NOCASE, UserId TEXT, Size TEXT)")
    rows = [(identity, at, f"Op-{name}", who, size) for identity, at, name, who, size in events]
    table.executemany("INSERT INTO logs VALUES (?, ?, ?, ?, ?)", rows)
    alerts = table.execute(sql).fetchall()
    table.close()
    return {
        (orjson.loads(one[1])["UserId"], round(one[3]), round(one[4])): {
            event.split(":", 1)[1] for event in orjson.loads(one[8])
        }
        for one in alerts
    }
