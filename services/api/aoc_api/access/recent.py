"""What secrets stand for, as the store has it, remembered for a few seconds: one that is in use costs few looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.clock import Clock
    from aoc_common.contracts.credentials import Fingerprint

#: Seconds for which nothing is read again: what is revoked, ended or taken away opens nothing after that, anywhere.
FRESH_S: Final = 5.0
#: The same for what there is not: who shows it again and again costs few looks, too.
ABSENT_S: Final = 2.0
_REMEMBERED: Final = 10_000


class Recent[T]:
    """Looks up API keys, or sessions; remembers those that there are. `find`: in the store; may raise `Transient`."""

    def __init__(self, find: Callable[[Fingerprint], Awaitable[T | None]], clock: Clock) -> None:
        self._find = find
        self._known: TTLCache[Fingerprint, T] = TTLCache(_REMEMBERED, FRESH_S, timer=clock.monotonic)
        self._absent: TTLCache[Fingerprint, bool] = TTLCache(_REMEMBERED, ABSENT_S, timer=clock.monotonic)

    async def get(self, of: Fingerprint) -> T | None:
        """What belongs to this fingerprint; None when nothing does. Raises `Transient`."""
        known = self._known.get(of)
        if known is None and of not in self._absent:
            known = await self._find(of)
            if known is None:
                self._absent[of] = True
            else:
                self._known[of] = known
        return known

    def forget(self, identity: str) -> None:
        """Something has changed about the one with this id: look again."""
        for of in [of for of in self._known if of.id == identity]:
            self._known.pop(of, None)
