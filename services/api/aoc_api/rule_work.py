"""What people do with rules: all of them as they are now, and each change, checked by the engine that will run it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_api.problems import Problem
from aoc_api.single_flight import SingleFlight
from aoc_common.errors import NotFound, Unreachable
from aoc_common.store.rules import RuleChange, StoredRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_api.access.principal import Principal
    from aoc_common.clock import Clock
    from aoc_common.store.rules import RuleException, RuleStore
    from aoc_rules.catalogue import Catalogue, Entry, RuleInventory, Written
    from aoc_rules.evaluation.trial import TriedRules

#: Changes of a rule that are remembered.
_MOST_CHANGES: Final = 50
#: Exceptions of a rule.
_MOST_EXCEPTIONS: Final = 100
#: Times that an exception is added while others change the same rule.
_TRIES: Final = 5
_LONGEST_NAME: Final = 256
_LONGEST_REASON: Final = 10_000


class RuleWork:
    """The rules of the installation. The engine is loaded when it is first needed.

    `home`: whether it is known whose the alerts across tenants are, and `lateness`: how late events may be, as the
    alerter is told.
    """

    def __init__(self, store: RuleStore, clock: Clock, *, home: bool, lateness: timedelta = timedelta(hours=1)) -> None:
        self.lateness = lateness
        self._store = store
        self._clock = clock
        self._home = home
        self._one_at_a_time = asyncio.Lock()
        # A client that hangs up takes nothing away from the next one: loading goes on, and the lock is held meanwhile.
        # Each call runs alone, by a key of its own: one that began earlier may not know the latest change.
        self._looking: SingleFlight[RuleInventory] = SingleFlight()
        self._trying: SingleFlight[TriedRules] = SingleFlight()
        self._catalogue: Catalogue | None = None
        self._stored: dict[str, StoredRule] = {}
        self._inventory: RuleInventory | None = None

    async def inventory(self) -> RuleInventory:
        """All rules, as they are stored now. Raises `Transient`."""
        return await self._looking(object(), self._looked_alone)

    async def entry(self, identity: str) -> Entry:
        """One rule. Raises `NotFound`, and `Transient`."""
        return _entry(await self.inventory(), identity)

    async def save(self, rule: StoredRule, by: Principal, what: str, otherwise: str) -> None:
        """Store a rule with the next revision. `otherwise`: the problem when its revision is not the stored one.

        Raises a problem for a rule that cannot be used, and `Transient`.
        """
        async with self._one_at_a_time:
            if not await self._saved(rule, by, what):
                words = "is there already" if otherwise == "conflict" else "was changed meanwhile"
                raise Problem(otherwise, f"Rule {rule.id} {words}.")

    async def change_exceptions(
        self,
        identity: str,
        change: Callable[[tuple[RuleException, ...]], tuple[RuleException, ...]],
        by: Principal,
        what: str,
        tenant: str = "",
    ) -> None:
        """Change a rule's exceptions, whatever others change meanwhile. `tenant`: whose alone they are.

        Raises `NotFound`, a problem, and `Transient`.
        """
        for _ in range(_TRIES):
            async with self._one_at_a_time:
                _, inventory = await self._looked()
                stored = _entry(inventory, identity).stored or StoredRule(identity)
                now = self._clock.now()
                exceptions = change(tuple(one for one in stored.exceptions if one.holds(now)))
                if len(exceptions) > _MOST_EXCEPTIONS:
                    raise Problem("conflict", f"Rule {identity} has {_MOST_EXCEPTIONS} exceptions already.")
                if await self._saved(replace(stored, exceptions=exceptions), by, what, tenant):
                    return
        raise Unreachable("rules: others change the same rule all the time")

    async def remove(self, identity: str) -> None:
        """Remove a rule of people's own, or what they changed of a shipped one. Raises `NotFound`, and `Transient`."""
        entry = await self.entry(identity)
        if entry.source == "shipped":
            raise Problem("conflict", f"Rule {identity} is as it was shipped: it can be switched off, not removed.")
        await self._store.remove(identity)

    async def tried(self, written: Written) -> TriedRules:
        """A correlation that is to be tried, with what it names. Raises a problem, and `Transient`."""
        return await self._trying(object(), partial(self._tried_alone, written))

    async def _tried_alone(self, written: Written) -> TriedRules:
        from aoc_rules.sigma.faults import RuleRefused

        async with self._one_at_a_time:
            catalogue, _ = await self._looked()
            try:
                return await asyncio.to_thread(catalogue.tried, written, self._stored, self._clock.now())
            except RuleRefused as error:
                raise Problem("rule-refused", error.faults[0].reason[:_LONGEST_REASON]) from None

    async def _saved(self, rule: StoredRule, by: Principal, what: str, tenant: str = "") -> bool:
        from aoc_rules.sigma.faults import RuleRefused

        catalogue, _ = await self._looked()
        now, author = self._clock.now(), by.name[:_LONGEST_NAME]
        history = (*rule.history, RuleChange(rule.revision + 1, now, author, what, tenant))[-_MOST_CHANGES:]
        rule = replace(rule, author=author, changed_at=now, history=history)
        try:
            await asyncio.to_thread(catalogue.check, rule, self._stored, now)
        except RuleRefused as error:
            said = "; ".join(_located(fault.place, fault.reason) for fault in error.faults)
            raise Problem("rule-refused", said[:_LONGEST_REASON]) from None
        return await self._store.write(rule)

    async def _looked_alone(self) -> RuleInventory:
        async with self._one_at_a_time:
            return (await self._looked())[1]

    async def _looked(self) -> tuple[Catalogue, RuleInventory]:
        marks = await self._store.marks()
        known = {identity: rule.mark for identity, rule in self._stored.items()}
        now, inventory = self._clock.now(), self._inventory
        ends = None if inventory is None else inventory.library.ends_at
        if self._catalogue is not None and inventory is not None and marks == known and (ends is None or now < ends):
            return self._catalogue, inventory
        changed = [one for one, mark in marks.items() if known.get(one) != mark]
        fetched = {rule.id: rule for rule in await self._store.of(changed)} if changed else {}
        stored = {one: rule for one, rule in self._stored.items() if one in marks} | fetched
        catalogue = self._catalogue
        if catalogue is None:
            catalogue = await asyncio.to_thread(_catalogue, home=self._home)
        inventory = await asyncio.to_thread(catalogue.inventory, stored, now)
        self._catalogue, self._stored, self._inventory = catalogue, stored, inventory
        return catalogue, inventory


def _catalogue(*, home: bool) -> Catalogue:
    from aoc_rules.catalogue import Catalogue
    from aoc_rules.pack import shipped_rules

    return Catalogue(shipped_rules(), home=home)


def _entry(inventory: RuleInventory, identity: str) -> Entry:
    if identity not in inventory.entries:
        raise NotFound(f"There is no rule {identity}.")
    return inventory.entries[identity]


def _located(place: str, reason: str) -> str:
    return f"{place}: {reason}" if place else reason
