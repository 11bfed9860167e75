"""Faults of a receiver: planned one after the other, or by chance from a seed."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RequestFault(StrEnum):
    """What can happen to one request."""

    NONE = "none"
    #: 429 with Retry-After; 503 as the server says it that is busy.
    THROTTLED = "throttled"
    BUSY = "busy"
    #: The answer is held back for `slow_s`.
    SLOW = "slow"
    #: The connection ends in the middle of the answer: nothing was taken, or everything.
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    #: 200, and errors inside for every second item, which come again.
    ITEM_ERRORS = "item-errors"
    #: An acknowledgement that never comes, of a batch that was taken.
    SILENT = "silent"
    #: 401, as with a token that has expired.
    DENIED = "denied"


class RequestFaults:
    """Decides what happens to the next request.

    - `plan`: faults of the next requests, in their order.
    - `rates`: fault -> its probability behind the plan; each at most `most` times, so whoever tries on gets through.
    - `poison`: what contains this text is refused for good. `retry_after_s`: what answers that throttle ask for.
    """

    def __init__(
        self,
        plan: Iterable[RequestFault] = (),
        rates: Mapping[RequestFault, float] | None = None,
        *,
        seed: int | str = 0,
        most: int = 5,
        poison: str | None = None,
        slow_s: float = 0.2,
        retry_after_s: int = 1,
    ) -> None:
        self.plan = deque(plan)
        self.happened: Counter[RequestFault] = Counter()
        self.poison = poison
        self.slow_s = slow_s
        self.retry_after_s = retry_after_s
        self._rates = dict(rates or {})
        self._most = most
        self._random = Random(f"siem:{seed}")

    def next(self) -> RequestFault:
        """What happens to this request."""
        fault = self.plan.popleft() if self.plan else self._by_chance()
        self.happened[fault] += 1
        return fault

    def poisoned(self, text: str | bytes) -> bool:
        """Whether this is refused for good."""
        if self.poison is None:
            return False
        return self.poison in text if isinstance(text, str) else self.poison.encode() in text

    def _by_chance(self) -> RequestFault:
        for fault, rate in self._rates.items():
            if self.happened[fault] < self._most and self._random.random() < rate:
                return fault
        return RequestFault.NONE
