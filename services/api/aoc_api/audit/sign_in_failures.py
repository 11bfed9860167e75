"""Which refused requests of people who are not signed in are noted: enough to see an attack, not one entry for each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aoc_common.clock import Clock

#: Of one address, and of all of them, so many are noted in a minute.
EACH: Final = 10
ALL: Final = 100
_MINUTE: Final = 60.0


class SignInFailures:
    """Counts refusals of this minute by address. At most `ALL` addresses are told apart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._noted: Counter[str] = Counter()
        self._left_out = 0

    def left_out(self, address: str) -> int | None:
        """None when another refusal of this address is not to be noted; else how many were not since the last that was.

        The caller notes it then.
        """
        now = self._clock.monotonic()
        if now - self._began >= _MINUTE:
            self._began = now
            self._noted.clear()
        if self._noted[address] >= EACH or self._noted.total() >= ALL:
            self._left_out += 1
            return None
        self._noted[address] += 1
        left_out, self._left_out = self._left_out, 0
        return left_out
