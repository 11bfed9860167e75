"""Sigma's correlation documents as plans. What is not supported is refused by name, with the reason."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, get_args

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from aoc_rules.attributes import OF_A_RULE, attributes_of
from aoc_rules.correlation.plan import COUNTING, TEMPORAL, Clause, Condition, Correlation, Kind, Operator, Slot
from aoc_rules.sigma.faults import Fault, RuleRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sigma.correlations import SigmaCorrelationRule

    from aoc_common.contracts.alert import AlertRule, Severity

#: The longest window: hits are kept for as long, and what comes late for it.
LONGEST_SPAN: Final = timedelta(days=30)
#: Rules that a correlation may name, fields that it may group by, and alternatives that its condition may have.
MOST_RULES: Final = 10
MOST_FIELDS: Final = 5
MOST_CLAUSES: Final = 32
#: So many hits of one group are looked at when one comes, and so large a count can be asked for.
MOST_HITS: Final = 5_000
#: So many are looked at where windows are decided by a timer, those of such a crowded group among them.
MOST_DECIDED: Final = 100_000
_KINDS: Final[frozenset[str]] = frozenset(get_args(Kind.__value__))
#: Fields that alerts of a correlation can be told apart by, beside what it groups by.
OWN: Final = ("actor", "service", "operation", "source")
#: What a correlation across tenants counts to know in how many something happened.
TENANT: Final = "tenant"
_HIGHEST_PERCENTILE: Final = 100


class Refused(Exception):  # noqa: N818  # a reason on its way to the `Fault` that names the rule
    """A place in a correlation, and why it cannot be used."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(reason)


#: What a reference in a correlation leads to: a rule's id, or the plan of another correlation; raises `Refused`.
type Resolve = Callable[[str], tuple[str, frozenset[str], Correlation | None]]


def references(rule: SigmaCorrelationRule) -> list[str]:
    """What a correlation names, each once, in its order."""
    if rule.rules is not None:
        named = [one.reference for one in rule.rules]
    elif isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        named = rule.condition.get_referenced_rules()
    else:
        named = []
    return list(dict.fromkeys(map(str, named)))


def plan_of(
    rule: SigmaCorrelationRule, alert_rule: AlertRule, severity: Severity, resolve: Resolve, *, home: bool
) -> tuple[Correlation, bool]:
    """A correlation, and whether it is enabled by what it says. `home`: whether a home tenant is known.

    Raises `RuleRefused` with the place and the reason.
    """
    try:
        return _plan(rule, alert_rule, severity, resolve, home=home)
    except Refused as error:
        raise RuleRefused([Fault(alert_rule.title, error.place, error.reason)]) from None


def _plan(
    rule: SigmaCorrelationRule, alert_rule: AlertRule, severity: Severity, resolve: Resolve, *, home: bool
) -> tuple[Correlation, bool]:
    kind = rule.type.name.lower()
    if kind not in _KINDS:
        raise Refused("correlation.type", f"{kind!r} is not supported")
    attributes = attributes_of(alert_rule.title, rule.custom_attributes)
    if alone := [name for name in OF_A_RULE if name in rule.custom_attributes.get("aoc", {})]:
        raise Refused(f"aoc.{alone[0]}", "a correlation has none: give it to the rules that it names")
    if attributes.across_tenants and not home:
        raise Refused("aoc.across_tenants", "no home tenant is known, whose alerts these are: AOC_ALERTER__HOME_TENANT")
    span = timedelta(seconds=rule.timespan.seconds)
    if span > LONGEST_SPAN:
        raise Refused("correlation.timespan", f"{rule.timespan.spec}; at most {LONGEST_SPAN.days}d are taken")
    group_by = tuple(dict.fromkeys(rule.group_by or ()))
    if len(group_by) > MOST_FIELDS:
        raise Refused("correlation.group-by", f"{len(group_by)} fields; at most {MOST_FIELDS} are taken")
    slots = _slots(rule, kind, group_by, resolve, across=attributes.across_tenants)
    grouping = attributes.grouping
    alert_group = () if grouping.by_default else grouping.fields
    for name in alert_group:
        if name not in (*OWN, *group_by):
            known = ", ".join((*OWN, *group_by))
            raise Refused("aoc.group_by", f"{name!r}: alerts of a correlation are told apart by {known}")
    condition = _condition(rule, kind, slots)
    made = Correlation(
        id=alert_rule.id,
        alert_rule=alert_rule,
        severity=severity,
        kind=kind,  # type: ignore[arg-type]  # it is one of them
        slots=slots,
        group_by=group_by,
        span_ms=int(span / timedelta(milliseconds=1)),
        condition=condition,
        window=max(grouping.window, span),
        alert_group=alert_group,
        across=attributes.across_tenants,
        suppress=grouping.suppress,
    )
    if made.settled and alert_group:
        raise Refused("aoc.group_by", "alerts that can be taken back are told apart by what the correlation groups by")
    return made, attributes.enabled


def _slots(
    rule: SigmaCorrelationRule, kind: str, group_by: tuple[str, ...], resolve: Resolve, *, across: bool
) -> tuple[Slot, ...]:
    named = references(rule)
    if not named or len(named) > MOST_RULES:
        raise Refused("correlation.rules", f"{len(named)} rules; between 1 and {MOST_RULES} are taken")
    field = getattr(rule.condition, "fieldref", None)
    if field is not None and not isinstance(field, str):
        raise Refused("correlation.condition.field", "a list of fields is not supported: count one of them")
    if field is not None and (kind in TEMPORAL or kind == "event_count"):
        field = None  # it says nothing there
    made: list[Slot] = []
    known: set[str] = set()
    for reference in named:
        identity, names, inner = resolve(reference)
        mapped = {
            alias.alias: spelt
            for alias in rule.aliases
            for target, spelt in alias.mapping.items()
            if target.reference in names or target.reference == reference
        }
        group = tuple(mapped.get(name, name) for name in group_by)
        counted = mapped.get(field, field) if field is not None else None
        if inner is not None:
            _check_inner(inner, group, counted, across=across)
        if identity not in {slot.rule for slot in made}:
            made.append(Slot(identity, names | {reference}, group, counted, inner is not None))
        known |= names | {reference}
    for alias in rule.aliases:
        for target in alias.mapping:
            if target.reference not in known:
                raise Refused(f"correlation.aliases.{alias.alias}", f"{target.reference!r} is none of its rules")
    return tuple(made)


def _check_inner(inner: Correlation, group: tuple[str, ...], counted: str | None, *, across: bool) -> None:
    """A correlation is known by what it groups by, and by nothing else of its events."""
    if inner.across or across:
        raise Refused("correlation.rules", "a correlation across tenants has no part in others, and has none of them")
    for name in (*group, *([counted] if counted is not None else ())):
        if name not in inner.group_by:
            known = ", ".join(inner.group_by) or "nothing"
            reason = f"{name!r} of the correlation {inner.alert_rule.title!r}, which groups by {known}"
            raise Refused("correlation.group-by", reason)


def _condition(rule: SigmaCorrelationRule, kind: str, slots: tuple[Slot, ...]) -> Condition:
    said: Any = rule.condition
    place = "correlation.condition"
    if isinstance(said, SigmaExtendedCorrelationCondition):
        return Condition(clauses=_clauses(said, slots))
    if not isinstance(said, SigmaCorrelationCondition):
        raise Refused(place, "expected a map or an expression")
    op: Operator = said.op.name.lower()  # type: ignore[assignment]  # pySigma knows these
    counts = kind in COUNTING or kind in TEMPORAL
    if kind == "temporal_ordered" and op not in {"gt", "gte"}:
        raise Refused(place, f"{op!r}: only that rules matched in order can be asked for, not that they did not")
    if counts and said.count > MOST_HITS:
        raise Refused(place, f"{said.count:,}; counts up to {MOST_HITS:,} are taken")
    if kind in TEMPORAL and _needed(op, said.count) > len(slots):
        raise Refused(place, f"{op} {said.count} of {len(slots)} rules is never")
    if op in {"gt", "gte"} and counts and _needed(op, said.count) < 1:
        raise Refused(place, f"{op} {said.count} is always")
    if op in {"lt", "lte"} and counts and said.count < (2 if op == "lt" else 1):
        raise Refused(place, f"{op} {said.count} is never: a window has the event that it begins with")
    return Condition(op, said.count, _percentile(said, kind))


def _needed(op: Operator, count: float) -> int:
    if op == "gt":
        return math.floor(count) + 1
    return math.ceil(count) if op == "gte" else 0


def _percentile(said: SigmaCorrelationCondition, kind: str) -> float:
    if kind != "value_percentile":
        return 50
    if said.percentile is None or not 0 <= said.percentile <= _HIGHEST_PERCENTILE:
        raise Refused("correlation.condition.percentile", "expected a number from 0 to 100")
    return said.percentile


def _clauses(said: SigmaExtendedCorrelationCondition, slots: tuple[Slot, ...]) -> tuple[Clause, ...]:
    place = "correlation.condition"
    made = _alternatives(said.parsed, slots)
    if not made:
        raise Refused(place, "it never holds")
    if any(not clause.present for clause in made):
        raise Refused(place, "an alternative in which nothing happens has no event that a window begins with")
    return made


def _alternatives(node: Any, slots: tuple[Slot, ...], *, denied: bool = False) -> tuple[Clause, ...]:
    """An expression as alternatives."""
    if isinstance(node, SigmaRuleReference):
        slot = frozenset({next(place for place, one in enumerate(slots) if node.reference in one.names)})
        return (Clause(frozenset(), slot) if denied else Clause(slot),)
    if isinstance(node, CorrelationConditionNOT):
        return _alternatives(node.args[0], slots, denied=not denied)
    parts = [_alternatives(one, slots, denied=denied) for one in node.args]
    if isinstance(node, CorrelationConditionAND) is denied:
        return _bounded(one for part in parts for one in part)
    made: tuple[Clause, ...] = (Clause(frozenset()),)
    for part in parts:
        made = _bounded(_joined(before, one) for before in made for one in part)
    return made


def _joined(one: Clause, other: Clause) -> Clause:
    return Clause(one.present | other.present, one.absent | other.absent)


def _bounded(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Those that can hold, each once."""
    made = tuple(dict.fromkeys(clause for clause in clauses if not clause.present & clause.absent))
    if len(made) > MOST_CLAUSES:
        raise Refused("correlation.condition", f"more than {MOST_CLAUSES} alternatives")
    return made
