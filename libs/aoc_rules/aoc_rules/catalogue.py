"""Every rule there is, as written and as at work: the pack's, what people changed of it, people's own. Pure.

The alerter only has those at work; who looks at rules, changes or tests them has a catalogue.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from aoc_common.contracts.alert import DEFAULT_SEVERITY, SEVERITIES
from aoc_common.store.rules import StoredRule
from aoc_rules.attributes import attributes_of
from aoc_rules.correlation.reading import references
from aoc_rules.evaluation.trial import TriedRules
from aoc_rules.library import Library, LibraryBuilder, Shipped, filters_of, identity_of, overlaid, wrong_exceptions
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.faults import Fault, RuleRefused
from aoc_rules.sigma.places import in_words
from aoc_rules.sigma.reading import read, read_stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from sigma.filters import SigmaFilter

    from aoc_common.contracts.alert import Severity
    from aoc_rules.pack import ShippedRule
    from aoc_rules.sigma.rule import CompiledRule

type Source = Literal["shipped", "overlaid", "own"]
"""Whose a rule is: the pack's, the pack's with changes, or people's own."""

_NEXT_DOCUMENT: Final = re.compile(r"^---[ \t]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule. `text`: that is at work; `shipped`: the pack's, of those that are shipped. `name`: of the pack's file.

    `sigma`: None for a text that cannot be read. `fault`: why it, or a part of it, does not work. `stored`: what people
    have changed, or their rule; None: nothing.
    """

    id: str
    title: str
    level: Severity
    enabled: bool
    source: Source
    text: str
    shipped: str | None = None
    name: str = ""
    runbook: str = ""
    sigma: SigmaRule | SigmaCorrelationRule | None = field(default=None, repr=False, compare=False)
    stored: StoredRule | None = None
    fault: str | None = None

    @property
    def correlation(self) -> bool:
        """Whether it counts what other rules match."""
        return isinstance(self.sigma, SigmaCorrelationRule)

    @property
    def description(self) -> str:
        """What it says of itself."""
        return str(self.sigma.description or "").strip() if self.sigma is not None else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """As Sigma has them: `attack.t1098`."""
        return tuple(map(str, self.sigma.tags)) if self.sigma is not None else ()

    @property
    def log_source(self) -> str:
        """What it is about, as `azure/signinlogs`; empty for a correlation."""
        if self.sigma is None or isinstance(self.sigma, SigmaCorrelationRule):
            return ""
        named = self.sigma.logsource
        return "/".join(part for part in (named.category, named.product, named.service) if part)

    @property
    def difference(self) -> str:
        """What people have changed of a rule that is shipped, as a diff; empty where nothing is."""
        if self.shipped is None or self.stored is None:
            return ""
        lines = list(
            difflib.unified_diff(self.shipped.splitlines(), self.text.splitlines(), "shipped", "here", lineterm="", n=2)
        )
        if self.stored.enabled is not None:
            lines += [f"+aoc.enabled: {str(self.stored.enabled).lower()}"]
        if self.stored.severity is not None:
            lines += [f"+level: {self.stored.severity}"]
        for name, value in sorted(self.stored.attributes.items()):
            lines += [f"-aoc.{name}" if value is None else f"+aoc.{name}: {json.dumps(value)}"]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class RuleInventory:
    """All rules by id, and those of them that are at work."""

    entries: Mapping[str, Entry]
    library: Library


@dataclass(frozen=True, slots=True)
class _Packed:
    """A document of the pack."""

    file: ShippedRule
    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """A correlation that is to be tried, and rules that count in place of those that are stored. `titles`: of these."""

    correlation: str
    rules: Mapping[str, StoredRule]
    titles: Mapping[str, str] = field(default_factory=dict)


class Catalogue:
    """Makes inventories; reads again what has changed only. For one thread at a time. `home`: see `LibraryBuilder`."""

    def __init__(self, files: Iterable[ShippedRule], *, home: bool) -> None:
        self._packed: dict[str, _Packed] = {}
        pack: dict[str, Shipped] = {}
        for file in files:
            for text in documents_of(file.text):
                reading = read(text, file.name)
                held: tuple[SigmaRule | SigmaCorrelationRule, ...] = (*reading.rules, *reading.correlations)
                for rule in held:
                    identity = identity_of(rule)
                    pack[identity] = Shipped(rule, blake2b(text.encode(), digest_size=16).hexdigest())
                    self._packed[identity] = _Packed(file, text)
        self._pack = pack
        self._builder = LibraryBuilder(pack, {}, home=home)
        self._known: dict[str, Entry] = {}

    def inventory(self, stored: Mapping[str, StoredRule], now: datetime) -> RuleInventory:
        """All rules, with what is stored."""
        library = self._builder.library(stored, now)
        entries: dict[str, Entry] = {}
        for identity in {**self._pack, **stored}:
            known, overlay = self._known.get(identity), stored.get(identity)
            entry = known if known is not None and known.stored == overlay else self._entry(identity, overlay)
            entries[identity] = replace(entry, fault=library.faults.get(identity))
        self._known = entries
        return RuleInventory(entries, library)

    def check(self, rule: StoredRule, stored: Mapping[str, StoredRule], now: datetime) -> None:
        """Raises `RuleRefused` for a rule that would not work beside these, with line and reason."""
        sigma = overlaid(self._sigma(rule), rule.attributes)
        attributes_of(sigma.title or rule.id, sigma.custom_attributes)
        if rule.text is not None and identity_of(sigma) != rule.id:
            raise RuleRefused([Fault(rule.id, "id", f"it says {identity_of(sigma)}, and is to be {rule.id}")])
        fault = self._builder.library({**stored, rule.id: rule}, now).faults.get(rule.id)
        if fault is None and rule.enabled is False and not isinstance(sigma, SigmaCorrelationRule):
            # A rule that is off is not compiled. What is new of it is looked at all the same.
            known = stored[rule.id].exceptions if rule.id in stored else ()
            new = tuple(one for one in rule.exceptions if one not in known)
            fault = wrong_exceptions(replace(rule, exceptions=new), sigma)
        if fault:
            raise RuleRefused([Fault(rule.id, "", fault)])

    def tried(self, written: Written, stored: Mapping[str, StoredRule], now: datetime) -> TriedRules:
        """A correlation as if it was at work, also if it is off. Raises `RuleRefused`, which names what is missing."""
        rules, identity = {**stored, **written.rules}, written.correlation
        library = self._builder.library({**rules, identity: replace(rules[identity], enabled=True)}, now)
        if identity not in library.correlations.plans:
            raise RuleRefused([Fault(identity, "", library.faults.get(identity, "it is no correlation"))])
        alone = library.alone(identity)
        counted = {*alone.correlations.plans, *(rule.alert_rule.id for rule in alone.active.values())}
        idle = (title for rule, title in written.titles.items() if rule not in counted)
        words = "of the text is not counted: nothing names it, or its name is that of another rule"
        return TriedRules(identity, alone, tuple(f"{title!r} {words}" for title in idle))

    def _sigma(self, rule: StoredRule) -> SigmaRule | SigmaCorrelationRule:
        """Raises `RuleRefused`, with lines."""
        if rule.text is None:
            if rule.id not in self._pack:
                raise RuleRefused([Fault(rule.id, "", "no rule with this id is shipped: a text is needed")])
            return self._pack[rule.id].rule
        return checked(rule.text, rule.id)

    def _entry(self, identity: str, stored: StoredRule | None) -> Entry:
        packed = self._packed.get(identity)
        overlay = stored or StoredRule(identity)
        shipped = None if packed is None else packed.text
        text = overlay.text if overlay.text is not None else shipped or ""
        try:
            written = read_stored(text, identity)[0] if overlay.text is not None else self._pack[identity].rule
            sigma: Any = overlaid(written, overlay.attributes)
            enabled = attributes_of(identity, sigma.custom_attributes).enabled
        except (RuleRefused, KeyError):  # the library says why
            sigma, enabled = None, False
        level = sigma.level.name.lower() if sigma is not None and sigma.level is not None else DEFAULT_SEVERITY
        return Entry(
            id=identity,
            title=str(sigma.title or identity) if sigma is not None else identity,
            level=overlay.severity or (level if level in SEVERITIES else DEFAULT_SEVERITY),
            enabled=enabled if overlay.enabled is None else overlay.enabled,
            source="own" if packed is None else "shipped" if stored is None else "overlaid",
            text=text,
            shipped=shipped,
            name="" if packed is None else packed.file.name,
            runbook="" if packed is None else packed.file.runbook,
            sigma=sigma,
            stored=stored,
        )


def documents_of(text: str) -> list[str]:
    """The documents of a YAML file, each with its own comments; empty ones are left out."""
    return [document for document in _NEXT_DOCUMENT.split(text) if document.strip()]


def written_of(text: str, name: str) -> SigmaRule | Written:
    """The rule of a text, or its correlation that no other of it names, with all that is beside it.

    Raises `RuleRefused`, with lines, for a text of which a part cannot be used.
    """
    held = [(checked(document, name), document) for document in _documents_in_place(text)]
    correlations = [sigma for sigma, _ in held if isinstance(sigma, SigmaCorrelationRule)]
    if not correlations:
        if len(held) == 1 and isinstance(held[0][0], SigmaRule):
            return held[0][0]
        raise RuleRefused([Fault(name, "", "expected one rule, or one correlation with the rules that it names")])
    named = {reference for one in correlations for reference in references(one)}
    outer = [one for one in correlations if named.isdisjoint((str(one.id), str(one.name)))]
    if len(outer) != 1:
        titles = "; ".join(str(one.title) for one in correlations)
        raise RuleRefused([Fault(name, "", f"expected one correlation that no other one names, of: {titles}")])
    rules = {identity_of(sigma): StoredRule(identity_of(sigma), document) for sigma, document in held}
    if len(rules) < len(held):
        raise RuleRefused([Fault(name, "", "two of its documents have the same id")])
    return Written(identity_of(outer[0]), rules, {identity_of(sigma): str(sigma.title) for sigma, _ in held})


def _documents_in_place(text: str) -> Iterator[str]:
    """The documents of a YAML file after as many empty lines as there are before them."""
    start = 0
    for end in [*(found.start() for found in _NEXT_DOCUMENT.finditer(text)), len(text)]:
        document = _NEXT_DOCUMENT.sub("\n", text[start:end])
        if document.strip():
            yield "\n" * text.count("\n", 0, start) + document
        start = end


def checked(text: str, name: str) -> SigmaRule | SigmaCorrelationRule:
    """The rule, or correlation, of a text. Raises `RuleRefused`, with lines, for one that cannot be used."""
    try:
        sigma, _ = read_stored(text, name)
        if not isinstance(sigma, SigmaCorrelationRule):
            compiled_of(sigma)
    except RuleRefused as error:
        raise RuleRefused([Fault(name, "", in_words(text, error.faults))]) from None
    return sigma


def compiled_within(entry: Entry, tenant: str, now: datetime) -> CompiledRule | None:
    """A rule that may be off, as matcher, with a tenant's exceptions; None for a correlation. Raises `RuleRefused`."""
    if not isinstance(entry.sigma, SigmaRule):
        return None
    filters = filters_of(entry.stored, entry.sigma, tenant, now) if entry.stored is not None else ()
    return compiled_of(entry.sigma, filters)


def compiled_of(sigma: SigmaRule, filters: Iterable[SigmaFilter] = ()) -> CompiledRule:
    """A rule that may be off, as matcher, with these exceptions. Raises `RuleRefused`."""
    compiled = compile_rule(sigma, filters)
    attributes_of(compiled.title, compiled.attributes)
    return compiled
