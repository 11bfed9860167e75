"""Rules without a gateway: what lint says of files, and what a rule finds in an exported log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from aoc_cli.explain import parts
from aoc_cli.importing.reading import Options
from aoc_cli.importing.selection import select
from aoc_cli.rules.uses import UsesInFiles
from aoc_common.contracts import subjects
from aoc_common.contracts.event import Event
from aoc_common.contracts.ids import EPOCH
from aoc_common.contracts.rows import Row
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.rules import RuleExample, RuleFinding, RuleHour, RuleMatched, RuleTest
from aoc_common.store.rules import StoredRule
from aoc_common.tenants.file import validated
from aoc_normalizer.reading.records import RecordContext
from aoc_rules.attributes import attributes_of
from aoc_rules.backtest import BackTest
from aoc_rules.catalogue import Catalogue, checked, compiled_of
from aoc_rules.circumstances.tenants import KnownTenant
from aoc_rules.correlation.reading import references
from aoc_rules.history import duplicates
from aoc_rules.pack import shipped_rules
from aoc_rules.sigma.faults import RuleRefused
from aoc_rules.sigma.lint import lint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aoc_cli.rules.files import Files
    from aoc_rules.sigma.rule import CompiledRule

#: Matches of a rule that wait until it is known which of them were the first of their kind, of some kilobytes each.
_MOST_WAITING: Final = 50_000
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


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
    shelf, now = Catalogue(shipped_rules(), home=True), datetime.now(UTC)
    stored = {one.id: StoredRule(one.id, one.text) for one in files.rules.values()}
    for rule in files.exceptions.keys() & (stored.keys() | shelf.shelf({}, now).entries.keys()):
        stored[rule] = replace(stored.get(rule, StoredRule(rule)), exceptions=files.exceptions[rule])
    made = shelf.shelf(stored, now)
    sigmas = [one.sigma for one in made.entries.values() if one.sigma is not None]
    known = {str(name) for sigma in sigmas for name in (sigma.id, sigma.name) if name}
    for rule, fault in made.library.faults.items():
        named = references(correlations[rule]) if rule in correlations else ()
        if rule in stored and known.issuperset(named):
            yield files.rules[rule].where if rule in files.rules else rule, fault


def rule_of(text: str, name: str) -> CompiledRule:
    """A rule, as matcher. Raises `BadConfiguration`."""
    try:
        sigma = checked(text, name)
    except RuleRefused as error:
        raise BadConfiguration(f"{name}: {error.faults[0].reason}") from None
    if not isinstance(sigma, SigmaRule):
        raise BadConfiguration(f"{name}: a correlation is not tried: try the rules that it names")
    return compiled_of(sigma)


def shipped_text(identity: str) -> str | None:
    """The text of a rule of the pack, by its id or its file's name."""
    entries = Catalogue(shipped_rules(), home=True).shelf({}, datetime.now(UTC)).entries
    found = next((one for one in entries.values() if identity in (one.id, one.name)), None)
    return None if found is None else found.text


def tenant_of(file: Path | None) -> KnownTenant:
    """A tenant with the settings of a file, else with those of one that says nothing. Raises `BadConfiguration`."""
    said: Any = {}
    if file is not None:
        try:
            said = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise BadConfiguration(f"--settings: {file}: {error}") from None
        if not isinstance(said, dict):
            raise BadConfiguration(f"--settings: {file}: expected a map, like an entry of a tenants file")
    nobody = {"name": subjects.DEFAULT_TENANT, "tenant_id": _NOBODY, "client_id": _NOBODY}
    return KnownTenant.of(validated(f"--settings: {file}", {**nobody, **said}))


def try_on_files(rule: CompiledRule, paths: Iterable[Path], tenant: KnownTenant) -> RuleTest:
    """What a rule finds in exported logs of a tenant, as an import would read them.

    Bounded in memory, but for eight bytes an event where the rule asks for first uses. Raises `BadConfiguration` for
    one that asks so of more matches than can wait for the end of the logs.
    """
    test, first, last = BackTest(rule, tenant), datetime.max.replace(tzinfo=UTC), EPOCH
    asked = attributes_of(rule.title, rule.attributes).first_seen
    uses = None if asked is None else UsesInFiles(asked.of)
    name = subjects.DEFAULT_TENANT if tenant.settings is None else tenant.settings.name
    for event in _events(paths):
        whole = orjson.loads(event.message())
        row = Row(event.id, name, event.source, event.operation, whole, event.service, event.actor, event.ip)
        test.add(row, whole)
        if test.waiting > _MOST_WAITING:
            told = f"{rule.title}: more than {_MOST_WAITING:,} events match it beside `first_seen`"
            raise BadConfiguration(f"{told}: too many to be tried in files; ask for more in its detection")
        if uses is not None:
            uses.add(event)
        at = EPOCH + timedelta(milliseconds=event.time_ms)
        if event.time_ms:
            first, last = min(first, at), max(last, at)
    for one in test.undecided():
        if one.use is not None and uses is not None and uses.is_first(one.use):
            test.take(one)
    first = min(first, last)
    return RuleTest(
        start=first,
        end=last,
        complete=True,
        events=test.events,
        matches=test.matches,
        alerts=test.alerts,
        alerts_a_day=round(test.alerts_a_day(last - first), 2),
        hours=[RuleHour(start=hour, matches=count) for hour, count in sorted(test.hours.items())],
        examples=[
            RuleExample(
                id=one.id,
                at=one.at,
                source=one.source,
                operation=one.operation,
                actor=one.actor,
                matched=[RuleMatched(field=pair.field, value=pair.value) for pair in one.matched],
            )
            for one in test.examples
        ],
    )


def _events(paths: Iterable[Path]) -> Iterator[Event]:
    context = RecordContext(subjects.DEFAULT_TENANT, subjects.IMPORT_SOURCE, datetime.now(UTC))
    selection = select(list(paths))
    for path, reason in selection.unread:
        raise BadConfiguration(f"{path}: {reason}")
    for path in selection.files:
        yield from (part for _, part in parts(path, Options(), context) if isinstance(part, Event))
