"""What is tried of rules, and on exported logs without a gateway."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from aoc_cli.explain import parts
from aoc_cli.importing.reading import Options
from aoc_cli.importing.selection import select
from aoc_cli.rules.files import read_files, read_text
from aoc_cli.rules.uses import UsesInFiles
from aoc_common.contracts import subjects
from aoc_common.contracts.event import Event
from aoc_common.contracts.ids import EPOCH
from aoc_common.contracts.rows import Row
from aoc_common.errors import BadConfiguration
from aoc_common.store.rules import StoredRule
from aoc_common.tenants.file import validated
from aoc_normalizer.reading.records import RecordContext
from aoc_rules.backtest import BackTest
from aoc_rules.catalogue import Catalogue, Written, checked, compiled_of, documents_of, written_of
from aoc_rules.circumstances.tenants import KnownTenant
from aoc_rules.correlation.reading import references
from aoc_rules.evaluation.answers import Stretch, answer
from aoc_rules.evaluation.trial import CorrelationTest
from aoc_rules.pack import shipped_rules
from aoc_rules.sigma.faults import RuleRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aoc_cli.rules.files import FileRule
    from aoc_common.gateway.rule_tests import RuleTest, Stopped

#: Matches of a rule that wait until it is known which of them were the first of their kind, of some kilobytes each.
_MOST_WAITING: Final = 50_000
#: Faults of files that are told.
_MOST_TOLD: Final = 5
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


def text_to_try(rule: str, beside: Iterable[Path]) -> str | None:
    """The text of a file, or of a rule of the files beside, with the rules of these that it names; None of an id.

    Raises `BadConfiguration` for files that cannot be read.
    """
    files = [read_files(path, "", datetime.now(UTC)) for path in beside]
    if faults := [f"{where}: {fault}" for one in files for where, fault in one.faults]:
        raise BadConfiguration(f"--with: {'; '.join(faults[:_MOST_TOLD])}")
    rules = {identity: held for one in files for identity, held in one.rules.items()}
    named = {str(name): held for held in rules.values() for name in (held.sigma.name, held.id) if name}
    if Path(rule).is_file():
        text = read_text(Path(rule))
    elif rule in named:
        text = named[rule].text
    elif files:
        raise BadConfiguration(f"{rule}: neither a file nor a rule of those that --with names")
    else:
        return None
    return _with_named(text, rule, named) if files else text


def _with_named(text: str, name: str, named: Mapping[str, FileRule]) -> str:
    """A text with the rules that its correlations name, and these name, as far as it has them not itself."""
    try:
        pending = [checked(document, name) for document in documents_of(text)]
    except RuleRefused as error:
        raise BadConfiguration(f"{name}: {error.faults[0].reason}") from None
    there = {str(one) for sigma in pending for one in (sigma.id, sigma.name) if one}
    found = [text.strip("\n")]
    while pending:
        sigma = pending.pop()
        for reference in references(sigma) if isinstance(sigma, SigmaCorrelationRule) else ():
            rule = named.get(reference)
            if rule is not None and there.isdisjoint((reference, rule.id)):
                there |= {reference, rule.id}
                found.append(rule.text.strip("\n"))
                pending.append(rule.sigma)
    return "\n---\n".join(found) + "\n"


def shipped_id(identity: str) -> str | None:
    """The id of a rule of the pack, by it or by its file's name: of a file with a correlation this."""
    entries = Catalogue(shipped_rules(), home=True).inventory({}, datetime.now(UTC)).entries.values()
    found = [one for one in entries if identity in (one.id, one.name)]
    return max(found, key=lambda one: one.correlation).id if found else None


def test_of(rule: str, text: str | None, tenant: KnownTenant) -> BackTest | CorrelationTest:
    """A test without a gateway, of a text or of what is shipped. Raises `BadConfiguration`."""
    try:
        found = _shipped(rule) if text is None else written_of(text, rule)
        if isinstance(found, SigmaRule):
            return BackTest(compiled_of(found), tenant)
        tried = Catalogue(shipped_rules(), home=True).tried(found, {}, datetime.now(UTC))
        return CorrelationTest(tried, _name(tenant), tenant)
    except RuleRefused as error:
        reason = error.faults[0].reason
        hint = "; rules of other files are named by --with" if "there is no rule" in reason else ""
        raise BadConfiguration(f"{rule}: {reason}{hint}") from None


def _shipped(identity: str) -> SigmaRule | Written:
    entry = Catalogue(shipped_rules(), home=True).inventory({}, datetime.now(UTC)).entries.get(identity)
    if entry is None:
        raise BadConfiguration(f"{identity}: neither a file nor a rule that is shipped")
    return entry.sigma if isinstance(entry.sigma, SigmaRule) else Written(identity, {identity: StoredRule(identity)})


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


def try_on_files(test: BackTest | CorrelationTest, paths: Iterable[Path]) -> RuleTest:
    """What a rule finds in exported logs, as an import would read them. Their time ends with the last event.

    Bounded in memory, but for eight bytes an event where first uses are asked for. Raises `BadConfiguration` where more
    matches ask so than can wait for the end of the logs.
    """
    uses = {kind: UsesInFiles(kind) for kind in test.uses}
    first, last = datetime.max.replace(tzinfo=UTC), EPOCH
    stopped: Stopped | None = None
    for event in _events(paths):
        whole = orjson.loads(event.message())
        name = _name(test.tenant)
        row = Row(event.id, name, event.source, event.operation, whole, event.service, event.actor, event.ip)
        test.add_all([(row, whole)])
        for one in uses.values():
            one.add(event)
        if event.time_ms:
            at = EPOCH + timedelta(milliseconds=event.time_ms)
            first, last = min(first, at), max(last, at)
        if test.waiting > _MOST_WAITING:
            told = f"more than {_MOST_WAITING:,} events match beside `first_seen`"
            raise BadConfiguration(f"{told}: too many to be tried in files; ask for more in the detection")
        if test.full:
            stopped = "hits"
            break
    for use, take in test.undecided():
        if uses[use.kind].is_first(use):
            take()
    if isinstance(test, CorrelationTest):
        asyncio.run(test.evaluate(last, lambda: True))
    return answer(test, Stretch(min(first, last), last, stopped))


def _name(tenant: KnownTenant) -> str:
    return subjects.DEFAULT_TENANT if tenant.settings is None else tenant.settings.name


def _events(paths: Iterable[Path]) -> Iterator[Event]:
    context = RecordContext(subjects.DEFAULT_TENANT, subjects.IMPORT_SOURCE, datetime.now(UTC))
    selection = select(list(paths))
    for path, reason in selection.unread:
        raise BadConfiguration(f"{path}: {reason}")
    for path in selection.files:
        yield from (part for _, part in parts(path, Options(), context) if isinstance(part, Event))
