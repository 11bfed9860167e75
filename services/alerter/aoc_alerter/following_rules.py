"""The rules at work follow what is stored within seconds: the next batch of events meets the new ones."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_common.telemetry import logs
from aoc_rules.library import Library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.clock import Clock
    from aoc_common.store.rules import RuleStore, StoredRule
    from aoc_rules.library import LibraryBuilder

_log = logs.get(__name__)

#: Faults that one line of the log tells of.
_TOLD: Final = 20


class FollowingRules:
    """Keeps `library` as it should be now."""

    def __init__(self, store: RuleStore, library_builder: LibraryBuilder, clock: Clock) -> None:
        self._store = store
        self._builder = library_builder
        self._clock = clock
        self._stored: dict[str, StoredRule] = {}
        self._logged: Mapping[str, str] = {}
        self._loaded = False
        self.library = Library()

    async def look(self) -> None:
        """Take over what has changed. Raises `Transient`; what was known of rules holds on then."""
        marks = await self._store.marks()
        known = {identity: rule.mark for identity, rule in self._stored.items()}
        ends, now = self.library.ends_at, self._clock.now()
        if self._loaded and marks == known and (ends is None or now < ends):
            return
        changed = [identity for identity, mark in marks.items() if known.get(identity) != mark]
        fetched = {rule.id: rule for rule in await self._store.of(changed)} if changed else {}
        stored = {identity: rule for identity, rule in self._stored.items() if identity in marks} | fetched
        began = time.perf_counter()
        # In a thread: a rule that takes long to compile must not hold up events.
        self.library = await asyncio.to_thread(self._builder.library, stored, now)
        self._stored, self._loaded = stored, True
        self._tell(time.perf_counter() - began, len(changed))

    def _tell(self, seconds: float, changed: int) -> None:
        library = self.library
        metrics.LOAD_SECONDS.set(seconds)
        metrics.RULES.labels("active").set(len(library.active) + len(library.correlations.plans))
        metrics.RULES.labels("faulty").set(len(library.faults))
        _log.info("rules.loaded", active=len(library.active), changed=changed, seconds=round(seconds, 3))
        new = {rule: why for rule, why in library.faults.items() if self._logged.get(rule) != why}
        for rule, why in list(new.items())[:_TOLD]:
            _log.warning("rule.faulty", rule=rule, why=why[:1000])
        if len(new) > _TOLD:
            _log.warning("rules.faulty", more=len(new) - _TOLD)
        self._logged = library.faults
