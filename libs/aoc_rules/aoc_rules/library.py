"""The rules that are at work: those that are shipped, with what people have changed, and people's own. Pure.

A rule that cannot be used is left out, and named with its reason; all others work.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sigma.correlations import SigmaCorrelationRule

from aoc_common.contracts.alert import DEFAULT_SEVERITY, SEVERITIES, AlertRule, Severity
from aoc_common.store.rules import StoredRule
from aoc_rules.attributes import Attributes, attributes_of
from aoc_rules.correlations import Asked, Correlations, alone, correlations_of
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.faults import Fault, RuleRefused
from aoc_rules.sigma.reading import read, read_stored
from aoc_rules.sigma.ruleset import RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sigma.filters import SigmaFilter
    from sigma.rule import SigmaRule

    from aoc_rules.attributes import Grouping
    from aoc_rules.sigma.rule import CompiledRule

_LONGEST_DESCRIPTION: Final = 2_000
_MOST_REFERENCES: Final = 20
_MOST_TAGS: Final = 50


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A rule at work. `within`: tenant -> the same rule with the exceptions that are for this tenant alone."""

    compiled: CompiledRule
    alert_rule: AlertRule
    severity: Severity
    attributes: Attributes
    within: Mapping[str, CompiledRule]

    @property
    def grouping(self) -> Grouping:
        """Which events are one alert."""
        return self.attributes.grouping


@dataclass(frozen=True, slots=True)
class Shipped:
    """A rule or correlation that comes with AOC. `digest`: of its text."""

    rule: SigmaRule | SigmaCorrelationRule
    digest: str


@dataclass(frozen=True, slots=True)
class Library:
    """All rules at work. `faults`: rule -> why it, or a part of it, is not. `ends_at`: when the next exception ends.

    `active`: rules that raise alerts, that correlations count, or both: see `correlations.silent`.
    """

    rules: RuleSet = field(default_factory=RuleSet)
    active: Mapping[CompiledRule, ActiveRule] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    correlations: Correlations = field(default_factory=Correlations)

    def alone(self, correlation: str) -> Library:
        """A correlation that is at work, and the rules that it counts."""
        correlations = alone(self.correlations, correlation)
        active = {rule: one for rule, one in self.active.items() if one.alert_rule.id in correlations.naming}
        return Library(RuleSet(active), active, correlations=correlations)


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of a rule. `names`: as correlations may call it. `alerts`: whether it raises alerts by itself.

    `beside`: rules of the same text.
    """

    overlay: StoredRule
    rule: ActiveRule | None = None
    asked: Asked | None = None
    names: tuple[str, ...] = ()
    alerts: bool = True
    beside: tuple[SigmaRule, ...] = ()
    fault: str | None = None


def shipped(files: Iterable[tuple[str, bytes]]) -> tuple[dict[str, Shipped], dict[str, str]]:
    """The rules of files, by id, and what is wrong with others. `files`: name and content."""
    found: dict[str, Shipped] = {}
    faults: dict[str, str] = {}
    for name, content in files:
        try:
            reading = read(content, name)
        except RuleRefused as error:
            faults[name] = str(error)
            continue
        if reading.faults:
            faults[name] = "; ".join(map(str, reading.faults))
        held: tuple[SigmaRule | SigmaCorrelationRule, ...] = (*reading.rules, *reading.correlations)
        for rule in held:
            identity = identity_of(rule)
            if identity in found:
                faults[name] = f"the id {identity} is another rule's, too"
            else:
                digest = blake2b(content, digest_size=16).hexdigest()
                found[identity] = Shipped(rule, digest)
    return found, faults


class LibraryBuilder:
    """Makes libraries. Keeps what it has compiled, so that a rule that changes costs itself and the index.

    `home`: whether it is known whose the alerts across tenants are.
    """

    def __init__(self, pack: Mapping[str, Shipped], faults: Mapping[str, str], *, home: bool = False) -> None:
        self._pack = pack
        self._pack_faults = faults
        self._home = home
        self._made: dict[str, _Made] = {}

    def library(self, stored: Mapping[str, StoredRule], now: datetime) -> Library:
        """The rules at work, with what is stored."""
        made = self._made = self._all(stored, now)
        names = {name: identity for identity, one in reversed(made.items()) for name in one.names}
        correlations = correlations_of(
            {identity: one.asked for identity, one in made.items() if one.asked is not None},
            {identity for identity, one in made.items() if one.rule is not None},
            names | {identity: identity for identity in made},
            home=self._home,
        )
        active, silent = [], set(correlations.silent)
        for identity, one in made.items():
            if not one.alerts:
                silent.add(identity)
            if one.rule is not None and (one.alerts or identity in correlations.naming):
                active.append(one.rule)
        faults = {**self._pack_faults, **correlations.faults}
        faults |= {identity: one.fault for identity, one in made.items() if one.fault is not None}
        ends = [one.until for rule in stored.values() for one in rule.exceptions if one.until and one.until > now]
        return Library(
            RuleSet(rule.compiled for rule in active),
            {rule.compiled: rule for rule in active},
            faults,
            min(ends, default=None),
            replace(correlations, silent=frozenset(silent)),
        )

    def _all(self, stored: Mapping[str, StoredRule], now: datetime) -> dict[str, _Made]:
        made: dict[str, _Made] = {}
        for identity in {**self._pack, **stored}:
            overlay = _in_force(stored.get(identity, StoredRule(identity)), now)
            known = self._made.get(identity)
            made[identity] = known if known is not None and known.overlay == overlay else self._compiled(overlay)
        for one in list(made.values()):
            for rule in one.beside:
                overlay = StoredRule(identity_of(rule))
                if overlay.id not in made:
                    generate = one.asked is not None and one.asked.sigma.generate
                    compiled = self._compiled(overlay, rule)
                    made[overlay.id] = replace(compiled, alerts=compiled.alerts and generate)
        return made

    def _compiled(self, overlay: StoredRule, beside: SigmaRule | None = None) -> _Made:
        """The rule, None where it is off or cannot be used; and what is wrong."""
        names: tuple[str, ...] = ()
        try:
            sigma, rules = (beside, ()) if beside is not None else self._sigma(overlay)
            sigma = overlaid(sigma, overlay.attributes)
            names = tuple(str(name) for name in (sigma.id, sigma.name) if name)
            if isinstance(sigma, SigmaCorrelationRule):
                wrong = "exceptions are for the rules that a correlation names" if overlay.exceptions else None
                return _Made(overlay, None, _asked(sigma, overlay), names, beside=rules, fault=wrong)
            if overlay.enabled is False:
                return _Made(overlay, names=names)
            filters, wrong = _filters(overlay, sigma)
            everywhere = [one for tenants, one in filters if not tenants]
            compiled = compile_rule(sigma, everywhere)
            attributes = attributes_of(compiled.title, compiled.attributes)
            alerts = attributes.enabled if overlay.enabled is None else overlay.enabled
            tenants = sorted({tenant for named, _ in filters for tenant in named})
            within = {
                tenant: compile_rule(sigma, [one for named, one in filters if not named or tenant in named])
                for tenant in tenants
            }
        except RuleRefused as error:
            return _Made(overlay, names=names, fault=str(error))
        rule = _active(compiled, overlay, attributes, within)
        return _Made(overlay, rule, None, names, alerts=alerts, fault=wrong or None)

    def _sigma(self, overlay: StoredRule) -> tuple[SigmaRule | SigmaCorrelationRule, tuple[SigmaRule, ...]]:
        if overlay.text is not None:
            return read_stored(overlay.text, overlay.id)
        if overlay.id not in self._pack:
            raise RuleRefused([Fault(overlay.id, "", "no rule with this id is shipped, and none is stored")])
        return self._pack[overlay.id].rule, ()


def overlaid(
    sigma: SigmaRule | SigmaCorrelationRule, attributes: Mapping[str, Any]
) -> SigmaRule | SigmaCorrelationRule:
    """A rule with other attributes (`StoredRule.attributes`) in its `aoc`."""
    held = sigma.custom_attributes.get("aoc", {})
    if not attributes or not isinstance(held, dict):  # what it is else, is said of the rule itself
        return sigma
    made = copy.copy(sigma)
    changed = {name: value for name, value in {**held, **attributes}.items() if value is not None}
    made.custom_attributes = {**sigma.custom_attributes, "aoc": changed}
    return made


def identity_of(rule: SigmaRule | SigmaCorrelationRule) -> str:
    """The id of a rule; its name or title, where it has none."""
    return str(rule.id or rule.name or rule.title)


def _in_force(rule: StoredRule, now: datetime) -> StoredRule:
    """The rule without exceptions that have ended."""
    return replace(rule, exceptions=tuple(one for one in rule.exceptions if one.holds(now)))


def filters_of(overlay: StoredRule, sigma: SigmaRule, tenant: str, now: datetime) -> list[SigmaFilter]:
    """The exceptions in force of a tenant that can be used."""
    found, _ = _filters(_in_force(overlay, now), sigma)
    return [one for tenants, one in found if not tenants or tenant in tenants]


def wrong_exceptions(overlay: StoredRule, sigma: SigmaRule) -> str:
    """What is wrong with exceptions of a rule; empty where nothing is."""
    return _filters(overlay, sigma)[1]


def _filters(overlay: StoredRule, sigma: SigmaRule) -> tuple[list[tuple[frozenset[str], SigmaFilter]], str]:
    """The exceptions that can be used, with their tenants, and what is wrong with the others.

    Without an exception that cannot be used a rule finds more, and not less.
    """
    found: list[tuple[frozenset[str], SigmaFilter]] = []
    wrong: list[str] = []
    for exception in overlay.exceptions:
        name = f"exception {exception.id}"
        try:
            reading = read(exception.text, name)
        except RuleRefused as error:
            wrong.append(str(error))
            continue
        wrong += [f"{name}: {fault}" for fault in reading.faults]
        if not reading.filters and not reading.faults:
            wrong.append(f"{name}: expected a filter document")
        for one in reading.filters:
            if _is_for(one, sigma):
                found.append((exception.tenants, one))
            else:
                wrong.append(f"{name}: it names another rule, or another log source: it would never except anything")
    return found, "; ".join(wrong)


def _is_for(one: SigmaFilter, sigma: SigmaRule) -> bool:
    """Whether a filter is for a rule; pySigma passes over one that is not."""
    rules = one.filter.rules
    names = {str(name).lower() for name in (sigma.id, sigma.name) if name}
    named = isinstance(rules, str) or any(str(reference.reference).lower() in names for reference in rules)
    return named and sigma.logsource in one.logsource


def _active(
    compiled: CompiledRule, overlay: StoredRule, attributes: Attributes, within: Mapping[str, CompiledRule]
) -> ActiveRule:
    alert_rule = _alert_rule(compiled.sigma, overlay.id, compiled.title)
    return ActiveRule(compiled, alert_rule, _severity(compiled.sigma, overlay), attributes, within)


def _asked(sigma: SigmaCorrelationRule, overlay: StoredRule) -> Asked:
    alert_rule = _alert_rule(sigma, overlay.id, sigma.title or overlay.id)
    return Asked(sigma, alert_rule, _severity(sigma, overlay), overlay.enabled)


def _alert_rule(sigma: Any, identity: str, title: str) -> AlertRule:
    return AlertRule(
        id=identity,
        title=title,
        description=" ".join(str(sigma.description or "").split())[:_LONGEST_DESCRIPTION],
        tags=tuple(map(str, sigma.tags))[:_MOST_TAGS],
        references=tuple(map(str, sigma.references or ()))[:_MOST_REFERENCES],
    )


def _severity(sigma: Any, overlay: StoredRule) -> Severity:
    level = sigma.level.name.lower() if sigma.level is not None else ""
    return overlay.severity or (level if level in SEVERITIES else DEFAULT_SEVERITY)
