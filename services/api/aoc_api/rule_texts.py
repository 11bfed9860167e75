"""Texts of rules, read by the engine, and what lint says of them. To be run in a thread: a text can be large.

The engine is imported when it is first needed: most gateways of tests, and many others, are never asked about rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api.problems import Problem
from aoc_common.store.rules import StoredRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.gateway.rule_tests import RuleTest
    from aoc_common.tenants.tenant import Tenant
    from aoc_rules.backtest import BackTest
    from aoc_rules.catalogue import Entry, Written
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.evaluation.answers import Stretch
    from aoc_rules.evaluation.trial import CorrelationTest, TriedRules
    from aoc_rules.history import History
    from aoc_rules.sigma.lint import Finding
    from aoc_rules.sigma.rule import CompiledRule


def identity(text: str) -> str:
    """The id that a text says, which is needed. Raises a problem, also for a rule that cannot be used."""
    from aoc_rules.catalogue import checked
    from aoc_rules.sigma.faults import RuleRefused

    try:
        sigma = checked(text, "the rule")
    except RuleRefused as error:
        raise Problem("rule-refused", error.faults[0].reason) from None
    if sigma.id is None:
        raise Problem("rule-refused", "id: a rule needs an id, a UUID")
    return str(sigma.id)


def written(text: str) -> CompiledRule | Written:
    """The rule of a text, as matcher, or its correlation with what is beside it. Raises a problem."""
    from sigma.rule import SigmaRule

    from aoc_rules.catalogue import compiled_of, written_of
    from aoc_rules.sigma.faults import RuleRefused

    try:
        found = written_of(text, "the rule")
    except RuleRefused as error:
        raise Problem("rule-refused", error.faults[0].reason) from None
    return compiled_of(found) if isinstance(found, SigmaRule) else found


def to_try(entry: Entry, tenant: str, now: datetime) -> CompiledRule | Written | None:
    """A rule that may be off, with a tenant's exceptions, or a correlation; None for one that cannot be used."""
    from aoc_rules.catalogue import Written

    if entry.correlation:
        return Written(entry.id, {entry.id: entry.stored or StoredRule(entry.id)})
    return compiled(entry, tenant, now)


def compiled(entry: Entry, tenant: str, now: datetime) -> CompiledRule | None:
    """A rule that may be off, with a tenant's exceptions; None for a correlation, and for one that cannot be used."""
    from aoc_rules.catalogue import compiled_within
    from aoc_rules.sigma.faults import RuleRefused

    try:
        return compiled_within(entry, tenant, now)
    except RuleRefused:  # the entry says why
        return None


def known(tenant: Tenant | None) -> KnownTenant:
    """A tenant as rules know it: half a second for one with a list of 100,000 entries."""
    from aoc_rules.circumstances.tenants import UNKNOWN, KnownTenant

    return UNKNOWN if tenant is None else KnownTenant.of(tenant)


def history_of(rules: Mapping[str, CompiledRule], known: KnownTenant) -> History:
    """What is to be seen of rules, by id, in stored events."""
    from aoc_rules.history import History

    return History(rules, known)


def test_of(rules: CompiledRule | TriedRules, tenant: str, known: KnownTenant) -> BackTest | CorrelationTest:
    """What is to be tried on a tenant's stored events."""
    from aoc_rules.backtest import BackTest
    from aoc_rules.evaluation.trial import CorrelationTest, TriedRules

    if isinstance(rules, TriedRules):
        return CorrelationTest(rules, tenant, known)
    return BackTest(rules, known)


def answer(test: BackTest | CorrelationTest, stretch: Stretch) -> RuleTest:
    """What a test has found."""
    from aoc_rules.evaluation.answers import answer

    return answer(test, stretch)


def linted(entry: Entry, tenant: Tenant | None, now: datetime) -> list[Finding]:
    """What lint says of a rule without history, and without exceptions, which not everybody may see.

    What is in the tenant's lists is not looked at.
    """
    from sigma.rule import SigmaRule

    from aoc_rules.catalogue import compiled_of
    from aoc_rules.sigma.faults import RuleRefused
    from aoc_rules.sigma.lint import lint
    from aoc_rules.sigma.named_lists import NamedLists

    if not isinstance(entry.sigma, SigmaRule):
        return []
    names = NamedLists(dict.fromkeys(tenant.lists if tenant is not None else (), ()))
    try:
        rule = compiled_of(entry.sigma)
    except RuleRefused:  # the entry says why
        return []
    return [*lint(rule, names), *_here(rule, tenant, now)]


def linted_by(history: History, rules: Mapping[str, CompiledRule], now: datetime) -> dict[str, list[Finding]]:
    """What is said of the rules of a history, of those with findings. `rules`: all, to find those there twice."""
    from aoc_rules.history import duplicates
    from aoc_rules.sigma.lint import lint

    twice = duplicates(rules)
    found: dict[str, list[Finding]] = {}
    for identity, rule in history.rules.items():
        said = [
            *lint(rule, history.tenant.lists),
            *_here(rule, history.tenant.settings, now),
            *history.findings(identity),
            *twice.get(identity, ()),
        ]
        if said:
            found[identity] = said
    return found


def _here(rule: CompiledRule, tenant: Tenant | None, now: datetime) -> tuple[Finding, ...]:
    """Why a rule finds nothing in a tenant by what its attributes ask."""
    from aoc_rules.attributes import attributes_of
    from aoc_rules.circumstances.lint import lint_circumstances

    return lint_circumstances(attributes_of(rule.title, rule.attributes).circumstances, tenant, now)
