"""What every filter, and every pair of them, costs: documents examined for what is found, and time beside one word.

`python bench/queries.py [--events 100000] [--slim] [--beside 1000] [--repeat 3] [--uri URI] [--json]`

Values of each field are common (in many events), rare (in five) or absent. Pairs are asked for in all these ways, also
of two common values that no event has both of. A query may examine four documents for each that it finds, and a
thousand more (`--beside`); those that need more are named, and make the status 1. Examined is what MongoDB explains of
each scan, and what SecantusDB reads for it: all that is within the bounds on the index.
`--slim`: events that are little but what is searched for, so that many are soon there; then times mean nothing.
`--uri`: a server of your own, whose database `bench_queries` is dropped; else one that `aoc up` would choose.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, cast

from aoc_cli.local import mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.contracts import ids, spelling, terms
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import Event
from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import Clause
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.event_scans import IndexScan, Scanner
from aoc_common.store.mongo.event_search import MongoEventSearch, make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.searches import FIELDS, EventQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_common.contracts.query.filters import Field
    from aoc_common.store.mongo.client import Database, Document

_TENANT: Final = "contoso"
_NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_DAYS: Final = 30
_PAGE: Final = 50
_SERVICES: Final = ("exchange", "sharepoint", "entra", "intune")
_SOURCES: Final = ("o365-exchange", "o365-sharepoint", "graph-signins", "graph-intune")
_VERBS: Final = (
    "Get", "Set", "New", "Remove", "Add", "Update", "Move", "Copy", "Send", "Open",
    "Close", "Sync", "Reset", "Grant", "Revoke", "Lock", "Share", "Rename", "Import", "Export",
)  # fmt: skip
_FIRST: Final = (
    "dana",
    "eve",
    "kim",
    "lee",
    "mara",
    "noor",
    "omar",
    "pia",
    "ravi",
    "sara",
    "tess",
    "uma",
    "vera",
    "wim",
)
_LAST: Final = ("reyes", "smith", "holland", "okafor", "lind", "moreau", "tanaka", "novak", "silva", "weber", "zhou")
#: Documents for each that is found, and beside these.
FACTOR: Final = 4
BESIDE: Final = 1_000

#: Field -> how often -> value.
ASKED: Final[Mapping[Field, Mapping[str, str]]] = {
    "source": {"common": "o365-exchange", "rare": "graph-alerts", "absent": "graph-risk"},
    "service": {"common": "exchange", "rare": "powerbi", "absent": "teams"},
    "operation": {"common": "Get-ExchangeItem", "rare": "Purge-RetentionPolicy", "absent": "New-Nothing"},
    "result": {"common": "success", "rare": "partial", "absent": "unknown"},
    "actor": {
        "common": "svc.backup@contoso.example",
        "rare": "ada.quill@contoso.example",
        "absent": "no.body@contoso.example",
    },
    "ip": {"common": "203.0.113.1", "rare": "198.51.100.77", "absent": "192.0.2.1"},
    "text": {"common": "invoice", "rare": "treasure", "absent": "unheardof"},
    "correlation_id": {
        "rare": "00000000-0000-4000-8000-000000000007",
        "absent": "00000000-0000-4000-9000-000000000007",
    },
}  # fmt: skip
#: Common values that hardly an event, or none, has both of.
APART: Final[Mapping[str, Mapping[Field, str]]] = {
    "service and another's operation": {"service": "exchange", "operation": "Get-SharepointItem"},
    "source and another's service": {"source": "o365-sharepoint", "service": "exchange"},
    "result and an operation that succeeds": {"result": "failure", "operation": "Sync-EntraItem"},
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A query: documents looked at, documents found, milliseconds (median), and whether it is within the bounds."""

    query: str
    examined: int
    found: int
    ms: float
    bounded: bool = False


def an_event(number: int, at: datetime, dice: Random, *, slim: bool) -> Event:
    """An event like many; every rare value is in five of a hundred thousand."""
    at_ms = ids.to_ms(at)
    of = dice.choices(range(4), (50, 30, 15, 5))[0]
    verb = _VERBS[min(int(dice.paretovariate(0.9)) - 1, len(_VERBS) - 1)]
    operation = f"{verb}-{_SERVICES[of].title()}Item"
    name = f"{dice.choice(_FIRST)}.{dice.choice(_LAST)}"
    fields: dict[str, Any] = {
        "source": _SOURCES[of],
        "service": _SERVICES[of],
        "operation": operation,
        "result": "success" if verb == "Sync" or dice.random() > 0.08 else "failure",
        "actor": "svc.backup@contoso.example" if dice.random() < 0.3 else f"{name}@contoso.example",
        "ip": f"203.0.113.{min(int(dice.paretovariate(0.6)), 250)}",
    }
    words = ["invoice"] if dice.random() < 0.2 else []
    words += [f"word{min(int(dice.paretovariate(0.5)), 9_999)}" for _ in range(0 if slim else 6)]
    rare = number % 20_000 if number < 100_000 else -1
    for position, field in enumerate(("source", "service", "operation", "result", "actor", "ip")):
        if rare == 1_000 + 37 * position:
            fields[field] = ASKED[cast("Field", field)]["rare"]
    if rare == 1_500:
        words.append("treasure")
    correlation = f"00000000-0000-4000-8000-{number:012d}"
    ip = spelling.ordered_address(fields["ip"])
    found = [*terms.name_terms(fields["actor"]), ip, *terms.operation_terms(fields["operation"]), *words, correlation]
    filler = 0 if slim else 8
    return Event(
        id=ids.event_id(_TENANT, "ual", str(number), at_ms),
        tenant=_TENANT,
        time_ms=at_ms,
        class_uid=6003,
        correlation_id=correlation,
        terms=terms.first_terms(found, 48),
        tags=(),
        mapper="exchange",
        mapper_version=1,
        ocsf={
            "metadata": {"uid": str(number)},
            "class_uid": 6003,
            "message": " ".join(words),
            "actor": {"user": {"name": fields["actor"], "uid": str(number % 500)}},
            "observables": [{"name": f"actor.{step}", "type": "user", "value": name} for step in range(filler)],
        },
        unmapped={f"field{step}": "a value" for step in range(filler)},
        raw=json.dumps({"Id": str(number), "Parameters": "x" * 75 * filler}),
        **fields,
    )


async def seed(database: Database, events: int, *, slim: bool) -> float:
    """Store so many events of thirty days; events a second."""
    await ensure_indexes(database)
    await MongoTermEdition(database).begin()
    if slim:
        for name in ("expiry", "forget", "unnamed", "twins"):
            await database["events"].drop_index(name)
    store, dice = MongoEvents(database, lambda _tenant, _source: timedelta(days=400)), Random(11)
    step, spent = timedelta(days=_DAYS) / events, 0.0
    for first in range(0, events, 500):
        numbers = range(first, min(first + 500, events))
        made = [an_event(number, _NOW - step * number, dice, slim=slim) for number in numbers]
        began = time.perf_counter()
        await store.insert(made, ["page"] * len(made))
        spent += time.perf_counter() - began
    return events / spent


def queries() -> Iterator[tuple[str, EventQuery]]:
    """Every filter and every pair, by how often its values are, and others beside."""
    yield "none", EventQuery(Scope(_TENANT))
    for field, asked in ASKED.items():
        for often, value in asked.items():
            yield f"{field} {often}", EventQuery(Scope(_TENANT), (values.clause(field, value),))
    for one, other in combinations(ASKED, 2):
        for first, second in product(ASKED[one], ASKED[other]):
            both = values.clause(one, ASKED[one][first]), values.clause(other, ASKED[other][second])
            yield f"{one} {first}, {other} {second}", EventQuery(Scope(_TENANT), both)
    for name, fields in APART.items():
        yield f"apart: {name}", EventQuery(Scope(_TENANT), tuple(values.clause(*one) for one in fields.items()))
    yield "prefix common", EventQuery(Scope(_TENANT), (Clause("text", (values.beginning("text", "invoi"),)),))
    yield "prefix rare", EventQuery(Scope(_TENANT), (Clause("text", (values.beginning("text", "treas"),)),))
    yield (
        "operation prefix",
        EventQuery(Scope(_TENANT), (Clause("operation", (values.beginning("operation", "purge"),)),)),
    )
    yield "network", EventQuery(Scope(_TENANT), (values.clause("ip", "198.51.100.0/24"),))
    several = tuple(values.exactly("service", name) for name in ("powerbi", "intune"))
    yield "several services", EventQuery(Scope(_TENANT), (Clause("service", several),))
    yield "excluded", EventQuery(Scope(_TENANT), (Clause("service", several, excluded=True),))
    words = tuple(values.exactly("text", word) for word in ("treasure", "unheardof"))
    yield "several words", EventQuery(Scope(_TENANT), (Clause("text", words),))


class Examined:
    """Counts the documents that a server has examined."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._scans: list[tuple[IndexScan, int]] = []
        self._counts: list[IndexScan] = []
        self.plans = False

    def listen(self, stack: ExitStack) -> None:
        """From now on, until the stack is left."""
        documents, count = Scanner.documents, Scanner.count

        async def noted(its: Scanner, scan: IndexScan, limit: int, *how: Any) -> list[Document]:
            self._scans.append((scan, limit))
            self.plans = its.server.plans
            return await documents(its, scan, limit, *how)

        async def noted_count(its: Scanner, scan: IndexScan, seconds: float) -> int:
            self._counts.append(scan)
            return await count(its, scan, seconds)

        for name, ours, theirs in (("documents", noted, documents), ("count", noted_count, count)):
            setattr(Scanner, name, ours)
            stack.callback(setattr, Scanner, name, theirs)

    async def taken(self) -> int:
        """Documents examined since the last call: as MongoDB explains; SecantusDB reads all within the bounds."""
        scans, self._scans = self._scans, []
        counts, self._counts = self._counts, []
        if self.plans:
            return sum([await self._explained(scan, limit) for scan, limit in scans])
        bounds = [scan.bounds for scan, _ in scans] + [scan.bounds for scan in counts]
        return sum([await self._documents(one) for one in bounds])

    async def _explained(self, scan: IndexScan, limit: int) -> int:
        find = {"find": "events", "filter": Scanner.filter(scan), "sort": {"_id": -1}, "limit": limit}
        explain = {"explain": {**find, "hint": dict(scan.index)}, "verbosity": "executionStats"}
        explained = await self._events.database.command(explain)
        return int(explained["executionStats"]["totalDocsExamined"])

    async def _documents(self, bounds: Document) -> int:
        counts = await self._events.aggregate([{"$match": bounds}, {"$count": "n"}]).to_list(None)
        return int(counts[0]["n"]) if counts else 0


async def measure(database: Database, repeat: int, beside: int = BESIDE) -> list[Figure]:
    """All queries, one after the other; facets of each filter too."""
    search, figures = make_event_search(database), []
    with ExitStack() as stack:
        examined = Examined(database)
        examined.listen(stack)
        for name, query in queries():
            figures.append(await _figure(name, search, query, examined, repeat))
            if "," not in name:
                figures.append(await _facets(name, search, query, examined))
    return [replace(one, bounded=one.examined <= FACTOR * one.found + beside) for one in figures]


async def _figure(name: str, search: MongoEventSearch, query: EventQuery, examined: Examined, repeat: int) -> Figure:
    page, spent = await search.search(query), []
    found = len(page.events) + page.more
    examined_now = await examined.taken()
    for _ in range(repeat):
        began = time.perf_counter()
        await search.search(query)
        spent.append((time.perf_counter() - began) * 1000)
    await examined.taken()
    return Figure(name, examined_now, found, median(spent) if spent else 0)


async def _facets(name: str, search: MongoEventSearch, query: EventQuery, examined: Examined) -> Figure:
    began = time.perf_counter()
    counts = await search.facets(query, FIELDS, 1_000)
    spent = (time.perf_counter() - began) * 1000
    examined_now, found = (
        await examined.taken(),
        sum(count for _, count in counts.fields["service"]) + (not counts.complete),
    )
    return Figure(f"facets of {name}", examined_now, found, spent)


async def run(uri: str, given: argparse.Namespace) -> dict[str, Any]:
    """Seed, ask, sum up."""
    async with connect(MongoSettings(uri=uri, database="bench_queries")) as database:
        if given.uri:
            await database.client.drop_database("bench_queries")
        rate = await seed(database, given.events, slim=given.slim)
        figures = await measure(database, given.repeat, given.beside)
        if given.uri:
            await database.client.drop_database("bench_queries")
    pages = [one for one in figures if not one.query.startswith("facets")]
    word = next(one.ms for one in pages if one.query == "text common")
    return {
        "events": given.events,
        "inserts_per_s": rate,
        "one_word_ms": word,
        "p50_ms": median(one.ms for one in pages),
        "p50_ratio": median(one.ms for one in pages) / max(word, 0.001),
        "slowest": [asdict(one) for one in sorted(pages, key=lambda one: -one.ms)[:8]],
        "beyond_bounds": [asdict(one) for one in figures if not one.bounded],
        "queries": len(figures),
    }


def main() -> None:
    """Print the figures; status 1 when a query looks at more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--slim", action="store_true")
    parser.add_argument("--beside", type=int, default=BESIDE)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--uri")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with ExitStack() as stack:
        uri = given.uri
        if uri is None:
            port = free_port()
            child = mongo.server(Path(stack.enter_context(TemporaryDirectory(prefix="aoc-bench-"))), port, auth=False)
            child.start()
            stack.callback(child.stop)
            child.wait_ready()
            uri = f"mongodb://{LOOPBACK}:{port}"
        report = asyncio.run(run(uri, given))
    if given.json:
        print(json.dumps(report, indent=1))
        raise SystemExit(bool(report["beyond_bounds"]))
    print(f"{report['events']:,} events at {report['inserts_per_s']:,.0f}/s; {report['queries']} queries")
    print(f"one word {report['one_word_ms']:.1f} ms")
    print(f"p50 of all {report['p50_ms']:.1f} ms, ratio {report['p50_ratio']:.2f}")
    for title in ("slowest", "beyond_bounds"):
        print(title)
        for one in report[title]:
            print(f"  {one['ms']:8.1f} ms {one['examined']:7} examined {one['found']:5} found  {one['query']}")
    raise SystemExit(bool(report["beyond_bounds"]))


if __name__ == "__main__":
    main()
