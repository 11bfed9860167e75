"""What is wrong with rules by the events that there were: what they ask for and none had, and what very many have."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.types import SigmaExists, SigmaNull

from aoc_rules.attributes import attributes_of
from aoc_rules.sigma import log_sources
from aoc_rules.sigma.lint import Finding, whole_text
from aoc_rules.sigma.record import Record
from aoc_rules.sigma.ruleset import RuleSet
from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from aoc_common.contracts.rows import Row
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.sigma.log_sources import LogSource
    from aoc_rules.sigma.rule import CompiledRule

#: Fewer events of a log source say nothing about what it never has, or has too often.
ENOUGH: Final = 200
#: More of all events of a log source than this share match: the rule is too broad.
BROAD: Final = 0.02
#: Different values of a field that are remembered: beyond them no value is said to be missing.
_MOST_VALUES: Final = 2_000
_LONGEST: Final = 256
_MOST_TOLD: Final = 20


@dataclass
class History:
    """What was seen of some rules in a sample of events of a tenant.

    `total`: events; `sources`: log source -> events of it; `matches`: rule -> events that it finds, under its
    circumstances.
    """

    rules: Mapping[str, CompiledRule]
    tenant: KnownTenant
    total: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    matches: Counter[str] = field(default_factory=Counter)
    _values: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    _asked: dict[LogSource, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked: defaultdict[LogSource, set[str]] = defaultdict(set)
        for rule in self.rules.values():
            for source in rule.conditions:
                asked[source] |= {one.field for one, _ in _tests(rule)}
        self._asked = dict(asked)
        self._set = RuleSet(self.rules.values())
        self._names = {rule: identity for identity, rule in self.rules.items()}
        self._attributes = {rule: attributes_of(rule.title, rule.attributes) for rule in self.rules.values()}

    def add(self, row: Row, event: Mapping[str, Any]) -> None:
        """Take an event, as on AOC_EVENTS, into account."""
        self.total += 1
        record, belongs = Record(event), log_sources.of_event(event)
        for source in belongs:
            self.sources[source.name] += 1
            for name in self._asked.get(source, ()):
                seen = self._values[source.name, name]
                values = record.values(source.fields.field(name))
                if values.exists and len(seen) < _MOST_VALUES:
                    seen.add("")
                    seen.update(text[:_LONGEST] for text in values.folded[:50])
        for match in self._set.match(event, self.tenant.lists):
            asked = self._attributes[match.rule]
            # What is done for the first time is seldom, whatever else it is.
            if asked.first_seen is None and asked.circumstances.hold(row, self.tenant):
                self.matches[self._names[match.rule]] += 1

    def add_all(self, events: Iterable[tuple[Row, Mapping[str, Any]]]) -> None:
        """Take several into account, each beside its row."""
        for row, event in events:
            self.add(row, event)

    def findings(self, identity: str) -> tuple[Finding, ...]:
        """About one of the rules: the first 20."""
        return tuple(dict.fromkeys(islice(self._findings(identity, self.rules[identity]), _MOST_TOLD)))

    def _findings(self, identity: str, rule: CompiledRule) -> Iterator[Finding]:
        names = [source.name for source in rule.conditions]
        count = sum(self.sources[name] for name in names)
        if names and self.total >= ENOUGH and not count:
            message = f"none of {self.total:,} events is of this log source ({', '.join(names)})"
            yield Finding("not-collected", "", message, "collect it, or leave the rule off")
        if count < ENOUGH:
            return
        if self.matches[identity] > count * BROAD:
            share = self.matches[identity] / count
            message = f"{self.matches[identity]:,} of {count:,} events match ({share:.0%}): the rule is too broad"
            yield Finding("too-broad", "", message, "ask for more, or make exceptions")
        seen: dict[str, set[str]] = {}
        for test, negated in _tests(rule):
            if test.field not in seen:
                seen[test.field] = set[str]().union(*(self._values[name, test.field] for name in names))
            yield from self._unseen(test, seen[test.field], count, negated=negated)

    def _unseen(
        self, test: ConditionFieldEqualsValueExpression, seen: AbstractSet[str], count: int, *, negated: bool
    ) -> Iterator[Finding]:
        """Of an exception only that its field is never there: a value can be of somebody who was away."""
        if isinstance(test.value, SigmaNull | SigmaExists):
            return
        effect = "this never excludes anything" if negated else "this does not match"
        if not seen:
            yield Finding("unseen-field", test.field, f"none of {count:,} events has this field: {effect}")
            return
        text = whole_text(test.value)
        if negated or text is None or len(seen) >= _MOST_VALUES or fold(text)[:_LONGEST] in seen:
            return
        near = get_close_matches(fold(text), seen, n=1, cutoff=0.75)
        message = f"none of {count:,} events has {text[:100]!r} in this field"
        yield Finding("unseen-value", test.field, message, f"perhaps {near[0]!r}" if near else "")


def duplicates(rules: Mapping[str, CompiledRule]) -> dict[str, tuple[Finding, ...]]:
    """Rules that ask for the same of the same log sources: id -> what is said of it."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for identity, rule in rules.items():
        trees = "|".join(_written(condition.parse()) for condition in rule.sigma.detection.parsed_condition)
        alike["/".join(sorted(source.name for source in rule.conditions)) + trees].append(identity)
    found: dict[str, tuple[Finding, ...]] = {}
    for same in alike.values():
        for identity in same if len(same) > 1 else ():
            others = ", ".join(f"{rules[one].title!r} ({one})" for one in same if one != identity)
            finding = Finding("duplicate", "", f"asks for the same as {others}", "keep one of them")
            found[identity] = (finding,)
    return found


def _written(tree: Any) -> str:
    """A condition as text: the same for the same tests, in whatever order."""
    if isinstance(tree, ConditionAND | ConditionOR | ConditionNOT):
        return f"{type(tree).__name__}({','.join(sorted(map(_written, tree.args)))})"
    return f"{fold(str(getattr(tree, 'field', '')))}={type(tree.value).__name__}:{tree.value!r}"


def _tests(rule: CompiledRule) -> Iterator[tuple[ConditionFieldEqualsValueExpression, bool]]:
    """The tests of fields of a rule, and whether what they find is excluded."""
    pending = [(condition.parse(), False) for condition in rule.sigma.detection.parsed_condition]
    while pending:
        tree, negated = pending.pop()
        if isinstance(tree, ConditionFieldEqualsValueExpression):
            yield tree, negated
        elif isinstance(tree, ConditionAND | ConditionOR | ConditionNOT):
            inverted = negated is not isinstance(tree, ConditionNOT)
            pending += [(part, inverted) for part in tree.args]
