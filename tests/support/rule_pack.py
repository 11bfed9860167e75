"""The pack of rules, compiled once, and the alerts that events raise by it.

Correlations are counted here in the simplest way, over all hits in memory: what the service does with a store is held
against this.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import yaml

from aoc_common.contracts.rows import Row
from aoc_common.tenants.tenant import Tenant
from aoc_rules.attributes import attributes_of
from aoc_rules.circumstances.tenants import KnownTenant
from aoc_rules.pack import shipped_rules
from aoc_rules.sigma import log_sources
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.reading import read
from aoc_rules.sigma.record import Record
from aoc_rules.sigma.ruleset import RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aoc_common.contracts.event import Event
    from aoc_rules.circumstances.conditions import Circumstances
    from aoc_rules.pack import ShippedRule
    from aoc_rules.sigma.reading import Reading
    from aoc_rules.sigma.rule import CompiledRule

#: Where it is Monday to Friday from 8 to 18 UTC that people work.
TENANT: Final = KnownTenant.of(Tenant(name="t", tenant_id=str(UUID(int=1)), client_id=str(UUID(int=1))))
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Counting:
    """A correlation of the pack: a number of hits, or of different values of a field, by group within a span."""

    name: str
    base: str
    by: tuple[str, ...]
    span_s: int
    at_least: int
    field: str | None


@dataclass(frozen=True, slots=True)
class Pack:
    """The rules by file name. `ids`: rule id -> file name, of rules that raise alerts; `bases`: id -> rule name."""

    files: Mapping[str, ShippedRule]
    documents: Mapping[str, list[dict[str, Any]]]
    readings: Mapping[str, Reading]
    rules: RuleSet
    ids: Mapping[str, str]
    bases: Mapping[str, str]
    countings: tuple[Counting, ...]
    circumstances: Mapping[CompiledRule, Circumstances]

    def attributes(self, name: str) -> dict[str, Any]:
        """The `aoc` attributes of the rule of a file."""
        held: dict[str, Any] = self.documents[name][-1]["aoc"]
        return held


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that an event matches. `name`: of its file, or of the rule that a correlation counts."""

    name: str
    event: Event
    told: Mapping[str, Any]
    log_source: str

    @property
    def time_ms(self) -> int:
        """When it happened."""
        return self.event.time_ms

    def values(self, field: str) -> tuple[str, ...]:
        """What the event has in a field of its own or of the rule's log source, without case."""
        if field in {"actor", "ip", "service", "operation", "source"}:
            own: str | None = getattr(self.event, field)
            return (own.casefold(),) if own else ()
        table = log_sources.LOG_SOURCES[self.log_source].fields
        return tuple(Record(self.told).values(table.field(field)).folded)


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that was raised, for a group."""

    name: str
    group: tuple[tuple[str, ...], ...]
    time_ms: int


def seconds(span: str) -> int:
    """`10m` in seconds."""
    return int(span[:-1]) * _UNITS[span[-1]]


@cache
def pack() -> Pack:
    """All of it, read and compiled."""
    files = {one.name: one for one in shipped_rules()}
    readings = {name: read(one.text, name) for name, one in files.items()}
    documents = {name: list(yaml.load_all(one.text, _LOADER)) for name, one in files.items()}
    rules: list[CompiledRule] = []
    ids: dict[str, str] = {}
    bases: dict[str, str] = {}
    countings: list[Counting] = []
    for name, reading in readings.items():
        rules += [compile_rule(rule) for rule in reading.rules]
        if reading.correlations:
            bases |= {str(rule.id): str(rule.name) for rule in reading.rules}
            countings.append(_counting(name, documents[name][-1]["correlation"]))
        else:
            ids |= {str(rule.id): name for rule in reading.rules}
    circumstances = {rule: attributes_of(rule.title, rule.attributes).circumstances for rule in rules}
    return Pack(files, documents, readings, RuleSet(rules), ids, bases, tuple(countings), circumstances)


def _counting(name: str, said: Mapping[str, Any]) -> Counting:
    condition = said["condition"]
    (base,) = said["rules"]
    by = tuple(said["group-by"])
    return Counting(name, base, by, seconds(said["timespan"]), condition["gte"], condition.get("field"))


def hits(event: Event) -> list[Hit]:
    """Rules of the pack that an event matches, those included that correlations count.

    Under their circumstances in a tenant that says nothing of itself. Of what is found only once in a while, all.
    """
    known, told = pack(), orjson.loads(event.message())
    row = Row(event.id, event.tenant, event.source, event.operation, told, event.service, event.actor, event.ip)
    return [
        Hit(known.ids.get(match.rule.id) or known.bases[match.rule.id], event, told, match.log_source)
        for match in known.rules.match(told)
        if known.circumstances[match.rule].hold(row, TENANT)
    ]


def raised(events: Iterable[Event]) -> list[Hit]:
    """What raises an alert, before it is grouped: matches of rules, and the hits that complete a correlation."""
    return raised_by(hit for event in events for hit in hits(event))


def raised_by(found: Iterable[Hit]) -> list[Hit]:
    """The same of what events have matched."""
    every = sorted(found, key=lambda hit: hit.time_ms)
    named = set(pack().bases.values())
    alone = [hit for hit in every if hit.name not in named]
    return alone + [one for counting in pack().countings for one in _counted(counting, every)]


def _counted(counting: Counting, every: list[Hit]) -> Iterator[Hit]:
    groups: defaultdict[tuple[tuple[str, ...], ...], list[tuple[Hit, tuple[str, ...]]]] = defaultdict(list)
    for hit in every:
        if hit.name != counting.base:
            continue
        held = groups[tuple(hit.values(field) for field in counting.by)]
        held.append((hit, hit.values(counting.field) if counting.field else (str(len(held)),)))
        recent = [one for one in held if one[0].time_ms > hit.time_ms - counting.span_s * 1000]
        if len({value for _, values in recent for value in values}) >= counting.at_least:
            yield replace(hit, name=counting.name)


def alerts(events: Iterable[Event]) -> list[Alert]:
    """Alerts after grouping: what comes within a rule's window after its first joins the alert."""
    return alerts_of(hit for event in events for hit in hits(event))


def alerts_of(found: Iterable[Hit]) -> list[Alert]:
    """The same of what events have matched."""
    opened: dict[tuple[str, tuple[tuple[str, ...], ...]], Alert] = {}
    made: list[Alert] = []
    for hit in sorted(raised_by(found), key=lambda hit: hit.time_ms):
        said = pack().attributes(hit.name)
        group = tuple(hit.values(field) for field in said["group_by"])
        last = opened.get((hit.name, group))
        if last is None or hit.time_ms - last.time_ms > seconds(said["window"]) * 1000:
            last = opened[hit.name, group] = Alert(hit.name, group, hit.time_ms)
            made.append(last)
    return made
