"""What this process knows of messages that it fails at: how often at each, and whether it fails at nearly all.

An outage is no defect: `Transient` failures are never counted here. JetStream's delivery counts hold both, and are
forgotten by a server that is killed, so they decide nothing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

type MessageId = tuple[str, int, datetime]
"""Stream, sequence, and when it was stored there."""

#: Messages whose defects are remembered. One that is forgotten gets more tries, never fewer.
_REMEMBERED: Final = 10_000
#: Messages that are judged together, and for how long each counts.
_JUDGED: Final = 2_000
_WINDOW_S: Final = 60.0
#: So many messages must have been seen before all of them are called failing, and so large a share must fail.
_ENOUGH: Final = 20
_NEARLY_ALL: Final = 0.9


class Defects:
    """How often each message met a defect in this process. A restart forgets: it gives more tries, never fewer."""

    def __init__(self) -> None:
        self._counts: LRUCache[MessageId, int] = LRUCache(_REMEMBERED)

    def add(self, message: MessageId) -> int:
        """One more; how many by now."""
        self._counts[message] = count = self._counts.get(message, 0) + 1
        return count

    def forget(self, message: MessageId) -> None:
        """The message is done with."""
        self._counts.pop(message, None)


class Recent:
    """The messages of the last minute: handled, or failing for another reason than an outage.

    A service that fails at nearly all of them, for nearly all tenants, is broken itself: its messages are innocent.
    A tenant that is alone in failing is not: what it sends is.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._messages: OrderedDict[MessageId, tuple[float, str, bool]] = OrderedDict()
        self._seen: Counter[str] = Counter()
        self._failing: Counter[str] = Counter()

    def note(self, message: MessageId, tenant: str, *, failed: bool) -> None:
        """What became of a message this time."""
        self._drop(message)
        self._messages[message] = (self._monotonic(), tenant, failed)
        self._seen[tenant] += 1
        self._failing[tenant] += failed
        if len(self._messages) > _JUDGED:
            self._drop(next(iter(self._messages)))

    def trouble(self) -> str | None:
        """Why this service must not give up messages; None when it may."""
        until = self._monotonic() - _WINDOW_S
        while self._messages and next(iter(self._messages.values()))[0] < until:
            self._drop(next(iter(self._messages)))
        seen, failing = len(self._messages), self._failing.total()
        if seen < _ENOUGH or failing < _NEARLY_ALL * seen:
            return None
        broken = sum(self._failing[tenant] >= _NEARLY_ALL * count for tenant, count in self._seen.items())
        if broken < _NEARLY_ALL * len(self._seen):
            return None
        return f"fails at {failing} of the last {seen} messages, of {broken} of {len(self._seen)} tenants"

    def _drop(self, message: MessageId) -> None:
        known = self._messages.pop(message, None)
        if known is not None:
            _, tenant, failed = known
            self._seen[tenant] -= 1
            self._failing[tenant] -= failed
            if not self._seen[tenant]:
                del self._seen[tenant], self._failing[tenant]
