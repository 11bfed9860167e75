"""What a correlation's look-up costs the database: many correlations over many hits.

`python bench/correlations.py [--correlations 1000] [--hits 1000000] [--tenants 150] [--looks 3000]`

Correlations are made as rules are, each of one to three of half as many rules, grouped by actor, address or both, over
five minutes to a day. Hits are noted by the alerter's own store, spread over ten days: half of them are one tenant's,
some rules match often and most seldom, and so do people. Then the correlations look around hits that are drawn from
these, as the alerter does when an event comes. Time is what the driver measures from when the command is sent until the
answer is there, which is more than the database takes; what a round trip to it takes at the same time is said, too.
With `--crowded N` one more group has so many hits within its timespan (`crowded_groups.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, batched
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import yaml
from crowded_groups import crowded  # type: ignore[import-not-found]  # beside this file
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandListener

from aoc_cli.local import mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.contracts.alert import AlertEvent
from aoc_common.store.counted_hits import CountedHit
from aoc_common.store.mongo.client import CODEC, ensure_indexes
from aoc_common.store.mongo.counted_hits import MongoCountedHits
from aoc_rules.correlation.groups import counted
from aoc_rules.correlation.reading import MOST_HITS
from aoc_rules.evaluation.completing import Correlator
from aoc_rules.library import LibraryBuilder, shipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_rules.correlation.groups import Counted
    from aoc_rules.correlations import Correlations

_NOW: Final = datetime.now(UTC)
_DAYS: Final = 10
_GROUPS: Final = (["UserId"], ["ClientIP"], ["UserId", "ClientIP"])
_SPANS: Final = ("5m", "15m", "1h", "6h", "24h")
_KINDS: Final = ("event_count", "event_count", "value_count", "temporal", "temporal_ordered")
#: Hits that are noted in one call, and calls at once.
_AT_ONCE, _WRITERS = 2_000, 2
_KEPT_OF: Final = 50
#: Documents of a look-up that most have at most.
_FEW: Final = 50


class Commands(CommandListener):
    """How long queries took, in milliseconds, and how many documents they gave, since it was last asked."""

    def __init__(self) -> None:
        self.took_ms = 0.0
        self.documents = 0
        self.pings_ms: list[float] = []

    def taken(self) -> tuple[float, int]:
        """Both, from now on anew."""
        found, self.took_ms, self.documents = (self.took_ms, self.documents), 0.0, 0
        return found

    def started(self, event: Any) -> None:
        """A command is sent."""

    def succeeded(self, event: Any) -> None:
        """An answer came."""
        if event.command_name == "ping":
            self.pings_ms.append(event.duration_micros / 1000)
        elif event.command_name in {"find", "getMore"}:
            cursor = event.reply["cursor"]
            self.took_ms += event.duration_micros / 1000
            self.documents += len(cursor.get("firstBatch", cursor.get("nextBatch", ())))

    def failed(self, event: Any) -> None:
        """An error came."""


class Watch:
    """How often a group had more than are looked at."""

    def __init__(self) -> None:
        self.crowds = 0

    def counted(self, hits: int) -> None:
        """So many were noted."""

    def crowded(self) -> None:
        """There were more."""
        self.crowds += 1


def correlations(count: int, chance: Random) -> Correlations:
    """So many correlations at work, of half as many rules."""
    texts = []
    names = [f"rule{number}" for number in range(max(3, count // 2))]
    for number, name in enumerate(names):
        detection = {"selection": {"Operation": f"Operation {number}"}, "condition": "selection"}
        source = {"product": "m365", "service": "audit"}
        named = {"title": name, "name": name, "id": str(_id(1, number))}
        texts.append({**named, "logsource": source, "detection": detection})
    for number in range(count):
        kind = chance.choice(_KINDS)
        rules = chance.sample(names, k=chance.randint(2, 3) if kind.startswith("temporal") else 1)
        section: dict[str, Any] = {"type": kind, "rules": rules, "group-by": chance.choice(_GROUPS)}
        section["timespan"] = chance.choice(_SPANS)
        if kind == "event_count":
            section["condition"] = {"gte": chance.randint(3, 50)}
        elif kind == "value_count":
            section["condition"] = {"gte": chance.randint(3, 20), "field": "ObjectId"}
        texts.append({"title": f"Correlation {number}", "id": str(_id(2, number)), "correlation": section})
    files = ((f"{number}.yml", yaml.safe_dump(text).encode()) for number, text in enumerate(texts))
    library = LibraryBuilder(*shipped(files)).library({}, _NOW)
    if library.faults:
        raise AssertionError(next(iter(library.faults.items())))
    return library.correlations


def _id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 100 | number)


@dataclass(slots=True)
class Matches:
    """Draws matches: half of them are the first tenant's, and rules and people have very unequal shares.

    `kept`: one of `_KEPT_OF` of these.
    """

    of: Correlations
    tenants: int
    chance: Random
    _rules: list[str] = field(init=False)
    _weights: list[float] = field(init=False)
    _drawn: int = 0
    kept: list[Counted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rules = list(self.of.naming)
        self.chance.shuffle(self._rules)
        self._weights = list(accumulate(1 / (place + 10) for place in range(len(self._rules))))

    def drawn(self) -> Counted:
        """A match."""
        chance = self.chance
        self._drawn += 1
        rule = chance.choices(self._rules, cum_weights=self._weights)[0]
        number = 0 if chance.random() < 0.5 else chance.randrange(1, self.tenants)
        people = 2_000 if number == 0 else 50
        person = min(int(chance.paretovariate(0.5)), people) if chance.random() < 0.1 else chance.randrange(people)
        at = _NOW - timedelta(days=_DAYS) * chance.random()
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        read = {"UserId": f"p{person}", "ClientIP": f"192.0.2.{person % 250}", "ObjectId": f"o{chance.randrange(500)}"}
        event = AlertEvent(_id(3, self._drawn), at, "o365-exchange", 6003, "exchange", "Operation", f"p{person}")
        hit = CountedHit(f"tenant-{number}", rule, event.id, at, (), (event,), timedelta())
        made = counted(hit, self.of.naming[rule], lambda name: (read[name],), lambda values: values[0])
        if made is None:
            raise AssertionError(rule)
        if self._drawn % _KEPT_OF == 0:
            self.kept.append(made)
        return made


async def filled(store: MongoCountedHits, matches: Matches, hits: int) -> float:
    """Note so many hits; how many a second."""
    began = time.monotonic()
    for some in batched(range(0, hits, _AT_ONCE), _WRITERS):
        parts = [[matches.drawn().hit for _ in range(min(_AT_ONCE, hits - start))] for start in some]
        await asyncio.gather(*(store.add(part) for part in parts))
    return hits / (time.monotonic() - began)


async def looked(
    correlator: Correlator, matches: Matches, looks: int, commands: Commands, database: Any
) -> Sequence[tuple[float, int, str]]:
    """Milliseconds and documents of so many look-ups."""
    found = []
    for _ in range(looks):
        one = matches.chance.choice(matches.kept)
        group = matches.chance.choice(one.groups)
        span = group.plan.span
        await database.command("ping")
        commands.taken()
        await correlator.look(group, one.hit.at - span, one.hit.at + span)
        found.append((*commands.taken(), group.plan.id))
    return found


async def examined(database: Any, matches: Matches) -> dict[str, object]:
    """What MongoDB says of one look-up. SecantusDB says nothing of indexes, and so nothing of this."""
    one = matches.kept[0]
    group = one.groups[0]
    span = group.plan.span
    query = {"keys": {"$in": list(group.keys)}, "at": {"$gte": one.hit.at - span, "$lte": one.hit.at + span}}
    explained = await database["counted_hits"].find(query).sort("at", -1).limit(MOST_HITS).explain()
    statistics = explained.get("executionStats", {})
    if not statistics.get("totalKeysExamined"):
        return {}
    return {name: statistics.get(name) for name in ("nReturned", "totalKeysExamined", "totalDocsExamined")}


async def run(uri: str, asked: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    commands, watch, chance = Commands(), Watch(), Random(14)
    client: Any = AsyncIOMotorClient(uri, tz_aware=True, uuidRepresentation="standard", event_listeners=[commands])
    database = client.get_database("correlations", codec_options=CODEC)
    await ensure_indexes(database, ("counted_hits",))
    store = MongoCountedHits(database)
    matches = Matches(correlations(asked.correlations, chance), asked.tenants, chance)

    async def nothing(_: object) -> None:
        """No window is noted."""

    correlator = Correlator(store, nothing, lambda: _NOW, timedelta(hours=1), None, watch)
    rate = await filled(store, matches, asked.hits)
    await looked(correlator, matches, 200, commands, database)  # connections and caches
    commands.pings_ms.clear()
    looks = await looked(correlator, matches, asked.looks, commands, database)
    few = [took for took, documents, _ in looks if documents <= _FEW]
    figures = {
        "hits": await database["counted_hits"].estimated_document_count(),
        "correlations": len(matches.of.plans),
        "hits noted a second": round(rate),
        "look-ups": len(looks),
        "of so many correlations": len({plan for _, _, plan in looks}),
        "ms (p50, p95, p99)": _percentiles([took for took, _, _ in looks]),
        "a round trip alone (p50, p95, p99)": _percentiles(commands.pings_ms),
        "documents (p50, p95, p99)": _percentiles([documents for _, documents, _ in looks]),
        f"look-ups of up to {_FEW} documents": len(few),
        "their ms (p50, p95, p99)": _percentiles(few),
        "look-ups of more than are looked at": watch.crowds,
        **await examined(database, matches),
        **(await crowded(store, asked.crowded) if asked.crowded else {}),
    }
    client.close()
    return figures


def _percentiles(some: Sequence[float]) -> tuple[float, float, float]:
    cuts = quantiles(some, n=100, method="inclusive")
    return round(cuts[49], 2), round(cuts[94], 2), round(cuts[98], 2)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--correlations", type=int, default=1_000)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=150)
    parser.add_argument("--looks", type=int, default=3_000)
    parser.add_argument("--crowded", type=int, default=0, metavar="N", help="a group of so many hits as well")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="aoc-bench-") as directory, ExitStack() as children:
        child = mongo.server(Path(directory), port := free_port(), auth=False, durable=False)
        child.start()
        children.callback(child.stop)
        child.wait_ready()
        figures = asyncio.run(run(f"mongodb://{LOOPBACK}:{port}", asked))
    if asked.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:52} {value}")


if __name__ == "__main__":
    main()
