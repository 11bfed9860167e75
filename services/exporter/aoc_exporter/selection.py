"""Which entries a sink sends, and what it changes of them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final

from aoc_exporter.entry import Kind
from aoc_exporter.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aoc_common.contracts.sinks import Criteria, SinkSettings
    from aoc_exporter.entry import Entry

type Groups = Mapping[str, frozenset[str]]
"""Tenant -> the groups that it is in."""

_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class _Compiled:
    tenants: frozenset[str]
    sources: frozenset[str]
    classes: frozenset[int]
    severities: frozenset[int]
    operations: re.Pattern[str] | None

    def matches(self, entry: Entry) -> bool:
        """Cheap questions first; the body is parsed for a severity only."""
        return (
            (not self.tenants or entry.tenant in self.tenants)
            and (not self.sources or entry.source in self.sources)
            and (not self.classes or entry.class_uid in self.classes)
            and (self.operations is None or self.operations.fullmatch(entry.operation) is not None)
            and (not self.severities or entry.event.get("severity_id") in self.severities)
        )


class Choice:
    """What one sink sends. `groups`: of the tenants, now."""

    def __init__(self, sink: SinkSettings, groups: Groups) -> None:
        self._include = _compiled(sink.include, groups)
        self._exclude = [_compiled(one, groups) for one in sink.exclude]
        self._hold = sink.retrospective == "hold"
        self._after_ms = int(sink.retrospective_h * _HOUR_MS)
        self._labels = tuple(sorted(sink.labels.items()))
        self._redactor = Redactor(sink.redact) if sink.redact else None

    @property
    def redacts(self) -> bool:
        """Whether an entry has to be read before it may go."""
        return self._redactor is not None

    def use_key(self, key: bytes) -> None:
        """The key of hashes: before anything is sent."""
        if self._redactor is not None:
            self._redactor.key = key

    def of(self, entry: Entry, now_ms: int) -> Entry | None:
        """The entry as it goes; None when it does not. Raises `Malformed` for one that had to be read, and cannot."""
        if not self._include.matches(entry) or any(one.matches(entry) for one in self._exclude):
            return None
        late = entry.kind is Kind.EVENT and self._late(entry, now_ms)
        if late and self._hold:
            return None
        if late or self._labels:
            entry = replace(entry, retrospective=late, labels=self._labels)
        return entry if self._redactor is None else self._redactor.redacted(entry)

    def _late(self, entry: Entry, now_ms: int) -> bool:
        """Whether it was had long after it happened. What happened a moment ago was not, and is not parsed."""
        if not entry.time_ms or now_ms - entry.time_ms < self._after_ms:
            return False
        metadata: Any = entry.event.get("metadata")
        stored = metadata.get("processed_time") or metadata.get("logged_time") if isinstance(metadata, dict) else None
        return isinstance(stored, int) and stored - entry.time_ms >= self._after_ms


def tenants_of(sink: SinkSettings, groups: Groups) -> frozenset[str] | None:
    """The tenants of which something may go; None: all that there are, and will be."""
    wanted = sink.include
    if not wanted.tenants and not wanted.groups:
        return None
    return _tenants(wanted, groups)


def _compiled(criteria: Criteria, groups: Groups) -> _Compiled:
    named = bool(criteria.tenants or criteria.groups)
    # Of a group that nobody is in, no tenant: an empty set would stand for all.
    tenants = _tenants(criteria, groups) or frozenset({""}) if named else frozenset[str]()
    return _Compiled(
        tenants,
        frozenset(criteria.sources),
        frozenset(criteria.classes),
        frozenset(criteria.severities),
        _pattern(criteria.operations),
    )


def _tenants(criteria: Criteria, groups: Groups) -> frozenset[str]:
    wanted = frozenset(criteria.groups)
    return frozenset(criteria.tenants) | {tenant for tenant, of in groups.items() if of & wanted}


def _pattern(operations: Sequence[str]) -> re.Pattern[str] | None:
    if not operations:
        return None
    # `?` and `[` mean themselves: only the asterisk is a wildcard here.
    parts = [translate(re.sub(r"([\[?])", r"[\1]", one)) for one in operations]
    return re.compile("|".join(parts), re.IGNORECASE)


type Choose = Callable[[Entry, int], Entry | None]
