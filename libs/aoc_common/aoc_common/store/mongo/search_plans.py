"""How a query is executed: which access path it takes, and whether by one scan or by a walk.

| the query has | MongoDB | SecantusDB |
| --- | --- | --- |
| kinds or a span without any event | no scan | no scan |
| one path, which covers all conditions | one scan | a walk along it |
| one path and a residual filter | a walk along it | a walk along it |
| several paths | the most selective | the most selective |
| paths of terms, and ids below a bound | no difference | in Rust: newer documents are read too, and counted |

The selectivity of paths is sampled: their documents among the newest events are counted, among more events while
several paths have few. The path of all events takes part: it has one prefix, where kinds can have many.

The plan is bounded: a walk (`event_walk`) examines at most the documents of the path. Where two paths have many
documents and hardly any in common, it ends with its share of time, reports how far it came, and is continued there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import ExecutionTimeout

from aoc_common.store.mongo.access_paths import KINDS, NEWEST, TOP
from aoc_common.store.mongo.event_scans import Scanner
from aoc_common.store.mongo.event_walk import PageRequest, SearchResult, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.store.mongo.access_paths import AccessPath, CompiledQuery
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.server_kinds import Server
    from aoc_common.store.mongo.timeline import Timeline
    from aoc_common.store.pace import Pace

#: Seconds after which a scan is given up (the client is asked to retry).
GIVE_UP_S: Final = 20.0
#: Sizes of samples, in events; documents of a path in a sample that are few.
_SAMPLES: Final = (64, 512, 4_096)
_FEW: Final = 8
#: Paths that are compared at most; the first are the most promising.
_COMPARED: Final = 6
#: Prefixes that double the cost of a path: each is a scan of its own.
_COSTLY_PREFIXES: Final = 5
#: A path that leads to so few events needs no comparison.
_SELECTIVE: Final = 50


class SearchPlan:
    """Executes compiled queries on a server."""

    def __init__(self, database: Database, server: Server) -> None:
        self._scanner = Scanner(database["events"], server)

    async def newest(
        self, query: CompiledQuery, timeline: Timeline, limit: int, fields: Mapping[str, Any], pace: Pace
    ) -> SearchResult:
        """The newest `limit` documents that match, of each only `fields`. Raises the driver's errors, `Unreachable`."""
        if not query.paths or not all(path.prefixes for path in query.paths):
            return SearchResult([])
        path, density = await self._most_selective(query, timeline, pace)
        request = PageRequest(limit, fields, pace)
        if self._scanner.server.plans and len(path.prefixes) == 1 and not path.residual:
            return await self._one_scan(path, query, request)
        return await walk(self._scanner, path, (query.low, query.high), timeline, density, request)

    async def _one_scan(self, path: AccessPath, query: CompiledQuery, request: PageRequest) -> SearchResult:
        """Bounded by the limit, as the index serves all conditions: it needs no limit of time but the last."""
        scan = self._scanner.scan(path, path.prefixes[0], query.low, query.high)
        async with request.pace.turn():
            return SearchResult(await self._scanner.documents(scan, request.limit, request.fields, GIVE_UP_S))

    async def _most_selective(
        self, query: CompiledQuery, timeline: Timeline, pace: Pace
    ) -> tuple[AccessPath, float | None]:
        """The path with the fewest documents, and their number per event, if it is known."""
        *narrow, every = query.paths
        if not narrow or (len(narrow) == 1 and not self._may_cost_more_than_all(narrow[0], query)):
            return query.paths[0], None
        known = [path for path in narrow if path.events is not None and path.events <= _SELECTIVE]
        if known:
            return min(known, key=lambda path: path.events or 0), None
        paths, counts = [*narrow[:_COMPARED], every], list[float]()
        for sample in _SAMPLES:
            low = max(await timeline.below(query.high, sample), query.low)
            counts = [await self._sampled(path, (low, query.high), sample, timeline, pace) for path in paths]
            few = [path for path, count in zip(paths, counts, strict=True) if count < _FEW]
            if len(few) <= 1 or low == query.low or sample == _SAMPLES[-1]:
                break
            paths = few
        costs = [count * (1 + len(path.prefixes) / _COSTLY_PREFIXES) for path, count in zip(paths, counts, strict=True)]
        position = costs.index(min(costs))
        return paths[position], (counts[position] + 0.5) / sample

    def _may_cost_more_than_all(self, path: AccessPath, query: CompiledQuery) -> bool:
        """Whether a path may cost more than that of all events."""
        if path.index == KINDS:
            return len(path.prefixes) > 1
        return self._scanner.rereads(path) and query.high < TOP

    async def _sampled(
        self, path: AccessPath, ids: tuple[int, int], sample: int, timeline: Timeline, pace: Pace
    ) -> float:
        """Documents of a path among the `sample` events between two ids."""
        if path.index == NEWEST:
            return sample
        if path.events is not None and timeline.total:
            return sample * path.events / timeline.total
        count = 0
        for prefix in path.prefixes:
            async with pace.turn() as seconds:
                if seconds is None:
                    break  # the walk will end the search
                try:
                    count += await self._scanner.count(self._scanner.scan(path, prefix, *ids), seconds)
                except ExecutionTimeout:
                    return sample  # what cannot be counted in a turn is as dear as reading all
        return count
