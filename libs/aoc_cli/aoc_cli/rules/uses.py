"""What actors use in an exported log, for rules that find only what is done for the first time."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING

from aoc_common.contracts import spelling
from aoc_common.contracts.ids import to_ms
from aoc_common.contracts.uses import UseKind, used

if TYPE_CHECKING:
    from aoc_common.contracts.event import Event
    from aoc_common.contracts.uses import Use


class UsesInFiles:
    """Remembers when each actor used what: eight bytes an event and name."""

    def __init__(self, kind: UseKind) -> None:
        self._kind = kind
        self._times: defaultdict[tuple[str, str], array[int]] = defaultdict(lambda: array("q"))
        self._first: dict[str, int] = {}
        self._sorted = False

    def add(self, event: Event) -> None:
        """Note an event."""
        actor = spelling.actor(event.actor or "")
        if actor and event.time_ms:
            self._first[actor] = min(event.time_ms, self._first.get(actor, event.time_ms))
            for name in used(self._kind, event.operation, event.ocsf):
                self._times[actor, name].append(event.time_ms)

    def is_first(self, use: Use) -> bool:
        """Whether the actor used nothing of the same before, of all that was noted."""
        if not self._sorted:
            self._times = defaultdict(
                lambda: array("q"), {key: array("q", sorted(v)) for key, v in self._times.items()}
            )
            self._sorted = True
        if use.known_since is not None and self._first.get(use.actor, to_ms(use.at)) >= to_ms(use.known_since):
            return False
        since, at = to_ms(use.since), to_ms(use.at)
        times = (self._times[use.actor, name] for name in use.names)
        return not any(bisect_left(one, at) > bisect_left(one, since) for one in times)
