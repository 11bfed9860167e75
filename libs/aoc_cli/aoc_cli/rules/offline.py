"""Rules without a gateway: what lint says of files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from aoc_common.gateway.rules import RuleFinding
from aoc_common.store.rules import StoredRule
from aoc_rules.catalogue import Catalogue, compiled_of
from aoc_rules.correlation.reading import references
from aoc_rules.history import duplicates
from aoc_rules.pack import shipped_rules
from aoc_rules.sigma.lint import lint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_cli.rules.files import Files
    from aoc_rules.sigma.rule import CompiledRule


def compiled(files: Files) -> dict[str, CompiledRule]:
    """The rules of files, correlations left out."""
    return {one.id: compiled_of(one.sigma) for one in files.rules.values() if isinstance(one.sigma, SigmaRule)}


def lint_files(files: Files) -> dict[str, list[RuleFinding]]:
    """File -> what is wrong with its rules; faults first."""
    found: dict[str, list[RuleFinding]] = {}
    for where, fault in files.faults:
        found.setdefault(where, []).append(RuleFinding(code="fault", place="", message=fault, suggestion=""))
    for where, fault in _faults_together(files):
        found.setdefault(where, []).append(RuleFinding(code="fault", place="", message=fault, suggestion=""))
    rules = compiled(files)
    twice = duplicates(rules)
    for identity, rule in rules.items():
        said = (*lint(rule), *twice.get(identity, ()))
        if said:
            found.setdefault(files.rules[identity].where, []).extend(
                RuleFinding(code=one.code, place=one.place, message=one.message, suggestion=one.suggestion)
                for one in said
            )
    return found


def _faults_together(files: Files) -> Iterator[tuple[str, str]]:
    """What is wrong with correlations and exceptions, which are nothing without the rules that they name.

    Those that name what is neither in the files nor shipped are left out: a gateway may have it.
    """
    correlations = {one.id: one.sigma for one in files.rules.values() if isinstance(one.sigma, SigmaCorrelationRule)}
    if not correlations and not files.exceptions:
        return
    inventory, now = Catalogue(shipped_rules(), home=True), datetime.now(UTC)
    stored = {one.id: StoredRule(one.id, one.text) for one in files.rules.values()}
    for rule in files.exceptions.keys() & (stored.keys() | inventory.inventory({}, now).entries.keys()):
        stored[rule] = replace(stored.get(rule, StoredRule(rule)), exceptions=files.exceptions[rule])
    made = inventory.inventory(stored, now)
    sigmas = [one.sigma for one in made.entries.values() if one.sigma is not None]
    known = {str(name) for sigma in sigmas for name in (sigma.id, sigma.name) if name}
    for rule, fault in made.library.faults.items():
        named = references(correlations[rule]) if rule in correlations else ()
        if rule in stored and known.issuperset(named):
            yield files.rules[rule].where if rule in files.rules else rule, fault
