"""Which correlations are at work, and which rules they count. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aoc_rules.correlation.reading import Refused, plan_of
from aoc_rules.sigma.faults import RuleRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sigma.correlations import SigmaCorrelationRule

    from aoc_common.contracts.alert import AlertRule, Severity
    from aoc_rules.correlation.plan import Correlation

#: Correlations of correlations, within one another.
MOST_LEVELS: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A correlation as it is written, with what people have changed of it. `enabled`: None: as it says itself."""

    sigma: SigmaCorrelationRule
    alert_rule: AlertRule
    severity: Severity
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Correlations:
    """All that are at work. `naming`: rule -> those that name it, and as which of theirs; rules and correlations alike.

    `silent`: rules and correlations that raise nothing by themselves, since one that names them stands for them.
    """

    plans: Mapping[str, Correlation] = field(default_factory=dict)
    naming: Mapping[str, tuple[tuple[Correlation, int], ...]] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    faults: Mapping[str, str] = field(default_factory=dict)


def correlations_of(
    asked: Mapping[str, Asked], rules: Collection[str], names: Mapping[str, str], *, home: bool
) -> Correlations:
    """The correlations at work. `rules`: ids of those that can be used; `names`: id or name -> id, of all there are."""
    planner = _Planner(asked, rules, names, home=home)
    faults: dict[str, str] = {}
    wanted: dict[str, Correlation] = {}
    for identity, one in asked.items():
        if one.enabled is False:
            continue
        try:
            plan, enabled = planner.plan(identity)
        except RuleRefused as error:
            faults[identity] = str(error)
            continue
        if enabled:
            wanted[identity] = plan
    return _at_work(planner, asked, wanted, faults)


def _at_work(
    planner: _Planner, asked: Mapping[str, Asked], wanted: Mapping[str, Correlation], faults: Mapping[str, str]
) -> Correlations:
    pending, plans, silent = list(wanted.values()), dict[str, "Correlation"](), set[str]()
    while pending:
        plan = pending.pop()
        if plan.id in plans:
            continue
        plans[plan.id] = plan
        pending += [planner.plan(slot.rule)[0] for slot in plan.slots if slot.inner]
        if not asked[plan.id].sigma.generate:
            silent |= {slot.rule for slot in plan.slots}
    plans = {key: replace(one, alerts=key in wanted and key not in silent) for key, one in sorted(plans.items())}
    return Correlations(plans, _naming(plans.values()), frozenset(silent), faults)


def alone(correlations: Correlations, identity: str) -> Correlations:
    """One of them with those that it names, as if nobody named it: it raises alerts."""
    plans, pending = dict[str, "Correlation"](), [identity]
    while pending:
        plan = correlations.plans[pending.pop()]
        if plan.id not in plans:
            plans[plan.id] = plan
            pending += [slot.rule for slot in plan.slots if slot.inner]
    plans[identity] = replace(plans[identity], alerts=True)
    return Correlations(plans, _naming(plans.values()), correlations.silent - {identity})


def _naming(plans: Iterable[Correlation]) -> dict[str, tuple[tuple[Correlation, int], ...]]:
    naming: defaultdict[str, list[tuple[Correlation, int]]] = defaultdict(list)
    for plan in plans:
        for number, slot in enumerate(plan.slots):
            naming[slot.rule].append((plan, number))
    return {rule: tuple(held) for rule, held in naming.items()}


class _Planner:
    """Makes plans, those first that others name."""

    def __init__(
        self, asked: Mapping[str, Asked], rules: Collection[str], names: Mapping[str, str], *, home: bool
    ) -> None:
        self._asked = asked
        self._rules = rules
        self._names = names
        self._home = home
        self._made: dict[str, tuple[Correlation, bool]] = {}
        self._refused: dict[str, RuleRefused] = {}
        self._within: list[str] = []
        self._spellings: defaultdict[str, set[str]] = defaultdict(set)
        for name, identity in names.items():
            self._spellings[identity].add(name)

    def plan(self, identity: str) -> tuple[Correlation, bool]:
        """The plan of one, and whether it is enabled. Raises `RuleRefused`."""
        if identity in self._made:
            return self._made[identity]
        if identity in self._refused:
            raise self._refused[identity]
        self._within.append(identity)
        try:
            made = self._planned(identity)
        except RuleRefused as error:
            self._refused[identity] = error
            raise
        finally:
            self._within.pop()
        self._made[identity] = made
        return made

    def _planned(self, identity: str) -> tuple[Correlation, bool]:
        one = self._asked[identity]
        plan, enabled = plan_of(one.sigma, one.alert_rule, one.severity, self._resolve, home=self._home)
        return plan, enabled if one.enabled is None else one.enabled

    def _resolve(self, reference: str) -> tuple[str, frozenset[str], Correlation | None]:
        place = "correlation.rules"
        identity = self._names.get(reference)
        if identity is None:
            raise Refused(place, f"there is no rule {reference!r}")
        known = frozenset({reference, identity, *self._spellings.get(identity, ())})
        if identity in self._rules:
            return identity, known, None
        if identity not in self._asked or self._asked[identity].enabled is False:
            raise Refused(place, f"the rule {reference!r} is off, or cannot be used")
        if identity in self._within:
            raise Refused(place, f"{reference!r} names this correlation, directly or by others")
        if len(self._within) >= MOST_LEVELS:
            raise Refused(place, f"correlations of correlations, more than {MOST_LEVELS} deep")
        try:
            return identity, known, self.plan(identity)[0]
        except RuleRefused as error:
            raise Refused(place, f"{reference!r} cannot be used: {error}") from None
