"""What a correlation would have found in events of the past: the engine of the alerter, over what is kept in memory.

Rules are matched as events are read, in whatever order. What they find is then given to the engine in the order of
time, as it would have come; what is missing, or seldom, is decided where its time is over. So windows, groups and
alerts are those of the alerter, for events that come in the order of their time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.ids import EPOCH
from aoc_rules.circumstances.tenants import UNKNOWN
from aoc_rules.correlation.ends import stretch_ms
from aoc_rules.correlation.groups import Counted
from aoc_rules.evaluation.completing import Completed, Correlator
from aoc_rules.evaluation.deciding import Decider, group_of
from aoc_rules.evaluation.memory import MemoryEnds, MemoryHits
from aoc_rules.evaluation.placing import Placing
from aoc_rules.finding import Finder
from aoc_rules.grouping import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aoc_common.contracts.rows import Row
    from aoc_common.contracts.uses import Use, UseKind
    from aoc_common.gateway.rule_tests import Stopped
    from aoc_common.store.alert_hits import HitKey
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.correlation.plan import Correlation
    from aoc_rules.finding import RuleFinding
    from aoc_rules.library import Library

#: Matches of the rules that are counted which are kept, of one to two kilobytes each.
MOST_KEPT: Final = 50_000
#: Windows of correlations that others name are hits, too: so many of both.
_MOST_HITS: Final = 2 * MOST_KEPT
#: Matches that are given to the engine at once.
_AT_ONCE: Final = 200
_MS: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class TriedRules:
    """A correlation that is tried. `library`: it, and what it names. `notes`: what its author should know."""

    correlation: str
    library: Library
    notes: tuple[str, ...] = ()

    @property
    def plan(self) -> Correlation:
        """The correlation."""
        return self.library.correlations.plans[self.correlation]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of it. `findings`: the matches that were looked at, in the order of time. `until`: those until then.

    `hits`: of the correlations that others name. `waiting`: windows that hold so far and were not over.
    `stopped`: why it was not looked further; None: it was.
    """

    until: datetime
    findings: Sequence[RuleFinding]
    hits: MemoryHits
    placing: Placing
    waiting: int
    crowded: bool
    stopped: Stopped | None


@dataclass
class _Watched:
    """A `Watch` that only wants to know whether groups were crowded."""

    is_crowded: bool = False

    def counted(self, hits: int) -> None:
        """So many hits were noted, which the store counts itself."""

    def crowded(self) -> None:
        """A group had more hits than are looked at."""
        self.is_crowded = True


@dataclass
class CorrelationTest:
    """Tries a correlation on events of a tenant, by its settings as they are now.

    First all events (`add_all`), beside or after them what has to be looked up (`undecided`), then `evaluate`.
    `name`: the tenant's. `most`: matches that are kept; when it is `full`, no more should be added. `events`: how many
    there were.
    """

    rules: TriedRules
    name: str
    tenant: KnownTenant = UNKNOWN
    most: int = MOST_KEPT
    events: int = 0
    evaluation: Evaluation | None = None
    _kept: dict[HitKey, RuleFinding] = field(default_factory=dict)
    _waiting: list[RuleFinding] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Who did it, from where and to what is not shown, and would be most of what is kept.
        self._finder = Finder(self.rules.library, {self.name: self.tenant}, EPOCH, evidence=lambda _: None)

    @property
    def uses(self) -> frozenset[UseKind]:
        """Of which kinds first uses have to be looked up."""
        asked = (one.attributes.first_seen for one in self.rules.library.active.values())
        return frozenset(one.of for one in asked if one is not None)

    @property
    def full(self) -> bool:
        """Whether as many matches are kept as may be."""
        return len(self._kept) + len(self._waiting) >= self.most

    @property
    def waiting(self) -> int:
        """How many wait to be looked up."""
        return len(self._waiting)

    def add_all(self, events: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
        """Try several. Each as a row whose `ocsf` is the event as on AOC_EVENTS, and that."""
        for row, _ in events:
            self.events += 1
            for finding in self._finder.findings(row):
                if finding.use is None:
                    self._take(finding)
                else:
                    self._waiting.append(finding)

    def undecided(self) -> list[tuple[Use, Callable[[], object]]]:
        """Those that wait to be looked up, and do so no more; and what is to be done of a first one."""
        waiting, self._waiting = self._waiting, []
        return [(one.use, partial(self._take, one)) for one in waiting if one.use is not None]

    def _take(self, finding: RuleFinding) -> None:
        """It is a match. Of twins the first counts, whichever is told first."""
        key = finding.rule.alert_rule.id, finding.event.id
        if key not in self._kept or not finding.second:
            self._kept[key] = finding

    async def evaluate(self, until: datetime, go_on: Callable[[], bool]) -> Evaluation:
        """Find what the matches complete. `until`: what ends later is not over. `go_on`: whether there is time left."""
        in_time = sorted(self._kept.values(), key=lambda one: (one.event.at, one.event.id, one.rule.alert_rule.id))
        self.evaluation = await _Replay(self.rules.library, until).run(in_time, go_on)
        return self.evaluation


class _Replay:
    """Gives matches to the engine. A stretch is decided when its time is over and all before it is known."""

    def __init__(self, library: Library, until: datetime) -> None:
        self._correlations = library.correlations
        self._until = until
        self._hits, self._ends = MemoryHits(_MOST_HITS), MemoryEnds()
        self._watch = _Watched()
        # Its clock stands at the beginning of time: nothing is ever late, and nothing decided too early.
        self._correlator = Correlator(self._hits, self._ends.add, lambda: EPOCH, timedelta(), None, self._watch)
        self._decider = Decider(self._correlator)
        self._placing = Placing()
        self._plans = sorted(self._correlations.plans.values(), key=self._depth)
        self._lags = {plan.id: self._lag(plan) for plan in self._plans}

    async def run(self, findings: Sequence[RuleFinding], go_on: Callable[[], bool]) -> Evaluation:
        """All of it. `findings`: in the order of time."""
        done, until = 0, self._until
        stopped: Stopped | None = None
        for some in batched(findings, _AT_ONCE):
            await self._give(some)
            done += len(some)
            if done == len(findings):
                break
            looked = findings[done].event.at - _MS
            await self._decide(min(looked, self._until))
            if self._hits.full or not go_on():
                until, stopped = looked, "hits" if self._hits.full else "time"
                break
        waiting = await self._decide_last(min(until, self._until))
        return Evaluation(
            until, findings[:done], self._hits, self._placing, waiting, crowded=self._watch.is_crowded, stopped=stopped
        )

    async def _give(self, findings: Sequence[RuleFinding]) -> None:
        for one in findings:
            alone = tuple(found for found in one.found if isinstance(found, Found))
            self._placing.add(Completed(one.event.at, (), alone))
        counted = [hit for one in findings for hit in one.found if isinstance(hit, Counted)]
        self._place(await self._correlator.correlate(self._correlations, counted))

    async def _decide(self, until: datetime) -> None:
        for plan in self._plans:
            for end in self._ends.take(plan.id, until - self._lags[plan.id]):
                if (group := group_of(end, self._correlations)) is not None:
                    self._place((await self._decider.decided(group, end, self._correlations, until)).completed)

    async def _decide_last(self, until: datetime) -> int:
        """Of stretches that are not over those windows that are; how many windows hold and are not."""
        waiting = 0
        for plan in self._plans:
            for end in self._ends.take(plan.id, datetime.max.replace(tzinfo=until.tzinfo)):
                if (group := group_of(end, self._correlations)) is not None:
                    decision = await self._decider.decided(group, end, self._correlations, until)
                    self._place(decision.completed)
                    waiting += decision.waiting
        return waiting

    def _place(self, completed: Iterable[Completed]) -> None:
        for one in sorted(completed, key=lambda one: one.at):
            self._placing.add(one)

    def _inner(self, plan: Correlation) -> list[Correlation]:
        return [self._correlations.plans[slot.rule] for slot in plan.slots if slot.inner]

    def _depth(self, plan: Correlation) -> int:
        """Correlations that are named come before those that name them."""
        return 1 + max(map(self._depth, self._inner(plan)), default=0)

    def _lag(self, plan: Correlation) -> timedelta:
        """By how much later it is known what a correlation has to look at: its rules are decided by stretches."""
        return max(
            (
                self._lag(one) + (timedelta(milliseconds=stretch_ms(one)) if one.settled else timedelta())
                for one in self._inner(plan)
            ),
            default=timedelta(),
        )
