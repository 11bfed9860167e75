"""What correlations cost, and whether they are right, when one group has tens of thousands of hits within its timespan.

Beside `correlations.py`, whose option `--crowded` asks for it. The hits are of two rules and one person, evenly over an
hour: all have the same value but for ten, which are spread over it, and a third rule matched before them all. So what
the correlations look for cannot be seen in the latest hits alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import yaml

from aoc_common.contracts.alert import AlertEvent
from aoc_common.store.counted_hits import CountedHit
from aoc_rules.correlation.groups import counted
from aoc_rules.evaluation.completing import Correlator
from aoc_rules.evaluation.deciding import Decider, group_of
from aoc_rules.library import LibraryBuilder, shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_common.store.mongo.counted_hits import MongoCountedHits
    from aoc_common.store.window_ends import WindowEnd
    from aoc_rules.correlation.groups import Counted
    from aoc_rules.correlations import Correlations

_START: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
_SPAN: Final = timedelta(hours=1)
_BATCH: Final = 500
_DISTINCT: Final = 10
#: Of the hits of an hour nine in ten have 1, and one in ten has 9: by the latest alone it could be any other figure.
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "event_count": {"type": "event_count", "rules": ["one", "two"], "condition": {"gte": 5_000}},
    "value_count": {
        "type": "value_count", "rules": ["one", "two"], "condition": {"gte": _DISTINCT, "field": "ObjectId"}
    },
    "value_sum": {"type": "value_sum", "rules": ["one", "two"], "condition": {"gte": 0, "field": "Size"}},
    "value_percentile": {
        "type": "value_percentile", "rules": ["one", "two"], "condition": {"gt": 1, "field": "Size", "percentile": 90}
    },
    "temporal": {"type": "temporal", "rules": ["first", "one", "two"]},
    "temporal_ordered": {"type": "temporal_ordered", "rules": ["first", "one", "two"]},
}  # fmt: skip


@dataclass
class _Noted:
    """The timers that were asked for."""

    ends: dict[str, WindowEnd]

    async def add(self, ends: Sequence[WindowEnd]) -> None:
        for end in ends:
            self.ends.setdefault(end.key, end)


class _Watch:
    def __init__(self) -> None:
        self.crowds = 0

    def counted(self, hits: int) -> None:
        """So many were noted."""

    def crowded(self) -> None:
        self.crowds += 1


def _correlations(hits: int) -> Correlations:
    texts = []
    for number, name in enumerate(("first", "one", "two")):
        detection = {"selection": {"Operation": f"Crowded {name}"}, "condition": "selection"}
        source = {"product": "m365", "service": "audit"}
        named = {"title": name, "name": name, "id": str(UUID(int=7 << 100 | number))}
        texts.append({**named, "logsource": source, "detection": detection})
    # One less is there than all hits have together, so that the sum is reached with the last of them.
    _KINDS["value_sum"]["condition"]["gte"] = sum(_size(number) for number in range(hits))
    for number, said in enumerate(_KINDS.values()):
        section = {**said, "timespan": "1h", "group-by": ["UserId"]}
        texts.append({"title": "x", "id": str(UUID(int=8 << 100 | number)), "correlation": section})
    files = ((f"{number}.yml", yaml.safe_dump(text).encode()) for number, text in enumerate(texts))
    library = LibraryBuilder(*shipped(files)).library({}, _START)
    if library.faults:
        raise AssertionError(next(iter(library.faults.items())))
    return library.correlations


def _read(values: dict[str, str], name: str) -> tuple[str, ...]:
    return (values[name],)


def _size(number: int) -> int:
    return 9 if number % 10 == 9 else 1


def _hits(of: Correlations, hits: int) -> Iterator[Counted]:
    rules = [str(UUID(int=7 << 100 | number)) for number in range(3)]
    every = max(1, hits // _DISTINCT)
    for number in range(-1, hits):
        at = _START + (max(number, 0) * _SPAN / hits if number >= 0 else timedelta(milliseconds=-1))
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        rule = rules[0] if number < 0 else rules[1 + number % 2]
        value = f"v{number // every}" if number % every == 0 else "v0"
        read = {"UserId": "crowd", "ObjectId": value, "Size": str(_size(number))}
        event = AlertEvent(UUID(int=9 << 100 | number + 1), at, "o365-exchange", 6003, "exchange", "x", "crowd")
        hit = CountedHit("crowded", rule, event.id, at, (), (event,), timedelta())
        made = counted(hit, of.naming[rule], partial(_read, read), lambda values: values[0])
        if made is None:
            raise AssertionError(rule)
        yield made


async def crowded(store: MongoCountedHits, hits: int) -> dict[str, Any]:
    """The figures."""
    of, noted, watch = _correlations(hits), _Noted({}), _Watch()
    correlator = Correlator(store, noted.add, lambda: _START + _SPAN, timedelta(minutes=1), None, watch)
    every = list(_hits(of, hits))
    for some in batched(every[: -2 * _BATCH], 2_000):
        await store.add([one.hit for one in some])
    before, last, figures, seen = every[-2 * _BATCH : -_BATCH], every[-_BATCH:], dict[str, Any](), set[str]()
    await correlator.correlate(of, before)
    noted.ends.clear()
    began = time.perf_counter()
    for one in await correlator.correlate(of, last):
        seen |= {found.placed.rule for found in one.found}
    figures[f"ms of the last {_BATCH} of {hits:,}, {len(_KINDS)} correlations"] = _ms(began)
    decider = Decider(correlator)
    for name, plan in zip(_KINDS, of.plans.values(), strict=True):
        ends = [end for end in noted.ends.values() if end.correlation == plan.id]
        end = max(ends, key=lambda one: one.last)
        group = group_of(end, of)
        if group is None:
            raise AssertionError(name)
        began = time.perf_counter()
        decision = await decider.decided(group, end, of, _START + 2 * _SPAN)
        told = "seen at once" if plan.id in seen else "found by the timer" if decision.completed else "MISSED"
        figures[f"{name}: ms of a stretch"] = f"{_ms(began)} ({len(ends)} of a batch), {told}"
    figures["looks at more than are looked at"] = watch.crowds
    return figures


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1_000)
