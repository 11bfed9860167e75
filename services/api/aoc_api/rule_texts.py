"""Texts of rules, read by the engine, and what lint says of them. To be run in a thread: a text can be large.

The engine is imported when it is first needed: most gateways of tests, and many others, are never asked about rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.tenants.tenant import Tenant
    from aoc_rules.backtest import BackTest
    from aoc_rules.catalogue import Entry
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.history import History
    from aoc_rules.sigma.lint import Finding
    from aoc_rules.sigma.rule import CompiledRule

NO_CORRELATION = "A correlation is not tried: try the rules that it names."


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


def written(text: str) -> CompiledRule:
    """The rule of a text, as matcher. Raises a problem, also for a correlation."""
    from sigma.rule import SigmaRule

    from aoc_rules.catalogue import checked, compiled_of
    from aoc_rules.sigma.faults import RuleRefused

    try:
        sigma = checked(text, "the rule")
    except RuleRefused as error:
        raise Problem("rule-refused", error.faults[0].reason) from None
    if not isinstance(sigma, SigmaRule):
        raise Problem("rule-refused", NO_CORRELATION)
    return compiled_of(sigma)


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


def back_test(rule: CompiledRule, known: KnownTenant) -> BackTest:
    """A rule that is to be tried on stored events."""
    from aoc_rules.backtest import BackTest

    return BackTest(rule, known)


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
