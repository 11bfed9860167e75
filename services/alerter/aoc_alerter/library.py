"""The rules that are at work: those that are shipped, with what people have changed, and people's own. Pure.

A rule that cannot be used is left out, and named with its reason; all others work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from aoc_alerter.attributes import Attributes, attributes_of
from aoc_alerter.sigma.compiling import compile_rule
from aoc_alerter.sigma.faults import Fault, RuleRefused
from aoc_alerter.sigma.reading import read, read_rule
from aoc_alerter.sigma.ruleset import RuleSet
from aoc_common.contracts.alert import DEFAULT_SEVERITY, SEVERITIES, AlertRule, Severity
from aoc_common.store.rules import StoredRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sigma.filters import SigmaFilter
    from sigma.rule import SigmaRule

    from aoc_alerter.attributes import Grouping
    from aoc_alerter.sigma.rule import CompiledRule

_LONGEST_DESCRIPTION: Final = 2_000
_MOST_REFERENCES: Final = 20
_MOST_TAGS: Final = 50


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A rule at work. `within`: tenant -> the same rule with the exceptions that are for this tenant alone."""

    compiled: CompiledRule
    told: AlertRule
    severity: Severity
    grouping: Grouping
    within: Mapping[str, CompiledRule]


@dataclass(frozen=True, slots=True)
class Shipped:
    """A rule that comes with AOC. `digest`: of its text."""

    rule: SigmaRule
    digest: str


@dataclass(frozen=True, slots=True)
class Library:
    """All rules at work. `faults`: rule -> why it, or a part of it, is not. `ends_at`: when the next exception ends."""

    rules: RuleSet = field(default_factory=RuleSet)
    active: Mapping[CompiledRule, ActiveRule] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None


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
        for rule in reading.rules:
            identity = str(rule.id or rule.name or rule.title)
            if identity in found:
                faults[name] = f"the id {identity} is another rule's, too"
            else:
                digest = blake2b(content, digest_size=16).hexdigest()
                found[identity] = Shipped(rule, digest)
    return found, faults


class Librarian:
    """Makes libraries. Keeps what it has compiled, so that a rule that changes costs itself and the index."""

    def __init__(self, pack: Mapping[str, Shipped], faults: Mapping[str, str]) -> None:
        self._pack = pack
        self._pack_faults = faults
        self._made: dict[str, tuple[object, ActiveRule | None, str | None]] = {}

    def library(self, stored: Mapping[str, StoredRule], now: datetime) -> Library:
        """The rules at work, with what is stored."""
        active: list[ActiveRule] = []
        faults = dict(self._pack_faults)
        made: dict[str, tuple[object, ActiveRule | None, str | None]] = {}
        for identity in {**self._pack, **stored}:
            overlay = _in_force(stored.get(identity, StoredRule(identity)), now)
            known = self._made.get(identity)
            if known is None or known[0] != overlay:
                known = (overlay, *self._compiled(overlay))
            made[identity] = known
            if known[1] is not None:
                active.append(known[1])
            if known[2] is not None:
                faults[identity] = known[2]
        self._made = made
        ends = [one.until for rule in stored.values() for one in rule.exceptions if one.until and one.until > now]
        return Library(
            RuleSet(rule.compiled for rule in active),
            {rule.compiled: rule for rule in active},
            faults,
            min(ends, default=None),
        )

    def _compiled(self, overlay: StoredRule) -> tuple[ActiveRule | None, str | None]:
        """The rule, None where it is off or cannot be used; and what is wrong."""
        try:
            sigma = self._sigma(overlay)
            if overlay.enabled is False:
                return None, None
            filters, wrong = _filters(overlay)
            everywhere = [one for tenants, one in filters if not tenants]
            compiled = compile_rule(sigma, everywhere)
            attributes = attributes_of(compiled)
            if not (attributes.enabled if overlay.enabled is None else overlay.enabled):
                return None, None
            tenants = sorted({tenant for named, _ in filters for tenant in named})
            within = {
                tenant: compile_rule(sigma, [one for named, one in filters if not named or tenant in named])
                for tenant in tenants
            }
        except RuleRefused as error:
            return None, str(error)
        return _active(compiled, overlay, attributes, within), wrong or None

    def _sigma(self, overlay: StoredRule) -> SigmaRule:
        if overlay.text is not None:
            return read_rule(overlay.text, overlay.id)
        if overlay.id not in self._pack:
            raise RuleRefused([Fault(overlay.id, "", "no rule with this id is shipped, and none is stored")])
        return self._pack[overlay.id].rule


def _in_force(rule: StoredRule, now: datetime) -> StoredRule:
    """The rule without exceptions that have ended."""
    kept = tuple(one for one in rule.exceptions if one.until is None or one.until > now)
    return replace(rule, exceptions=kept)


def _filters(overlay: StoredRule) -> tuple[list[tuple[frozenset[str], SigmaFilter]], str]:
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
        found += [(exception.tenants, one) for one in reading.filters]
    return found, "; ".join(wrong)


def _active(
    compiled: CompiledRule, overlay: StoredRule, attributes: Attributes, within: Mapping[str, CompiledRule]
) -> ActiveRule:
    sigma: Any = compiled.sigma
    told = AlertRule(
        id=overlay.id,
        title=compiled.title,
        description=" ".join(str(sigma.description or "").split())[:_LONGEST_DESCRIPTION],
        tags=compiled.tags[:_MOST_TAGS],
        references=tuple(map(str, sigma.references or ()))[:_MOST_REFERENCES],
    )
    level = compiled.level if compiled.level in SEVERITIES else DEFAULT_SEVERITY
    return ActiveRule(compiled, told, overlay.severity or level, attributes.grouping, within)
