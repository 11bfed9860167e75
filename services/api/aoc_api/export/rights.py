"""Whether who began an export may still see all that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_api.problems import Problem
from aoc_common.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.contracts.access import Scope

#: Seconds between two looks, where a look is due at all: revocations count within as many elsewhere.
EVERY_S: Final = 5.0

type ScopeNow = Callable[[], Awaitable[Scope]]
"""A tenant as somebody may see it at this moment. Raises a problem when he may not; `Transient`."""


class RightsLost(Permanent):
    """Who began an export may no longer see what it holds. The text says why."""


class Rights:
    """The rights that an export began with, held against those of later. `began`: what its events are read by."""

    def __init__(self, began: Scope, now: ScopeNow, monotonic: Callable[[], float]) -> None:
        self._began = began
        self._now = now
        self._monotonic = monotonic
        self._looked = monotonic()

    async def check(self) -> None:
        """Look, when that was `EVERY_S` seconds ago. Raises `RightsLost`; `Transient` when it cannot be told."""
        if self._monotonic() - self._looked < EVERY_S:
            return
        try:
            scope = await self._now()
        except Problem as problem:
            raise RightsLost(f"the right to read was taken away: {problem.detail}") from None
        if not scope.hidden.within(self._began.hidden):
            raise RightsLost("a privacy rule hides more than it did when the export began")
        self._looked = self._monotonic()
