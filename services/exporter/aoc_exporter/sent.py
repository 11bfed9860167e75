"""What this replica has sent of a sink lately, by which it counts what goes a second time.

- A reader's checkpoint moves on once a second. What was sent behind it when the stream was deleted, or dropped what it
  held, lies in the hole that is filled from the store.
- What came from the store may come from there again: a checkpoint that could not be written, or that went back.
- A tenant falls behind from the first of its events on that a replica has in work. What others have sent of it behind
  that place comes again with the rest.

Each replica counts what it sent of that by itself.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aoc_common.contracts.publications import Position
    from aoc_common.contracts.reading import Checkpoint
    from aoc_common.contracts.sink_states import Stretch
    from aoc_exporter.account import Account

#: Deliveries, and holes, that are remembered.
_DELIVERIES: Final = 20_000
_HOLES: Final = 20


class Sent:
    """Of a sink, as long as this process runs: a sink is started anew where its settings change or a server is away."""

    def __init__(self) -> None:
        #: Tenant, place, and whether it came from the store already.
        self._recent: deque[tuple[str, Position, bool]] = deque(maxlen=_DELIVERIES)
        self._restored: LRUCache[tuple[str, Position], bool] = LRUCache(_DELIVERIES)
        self._spans: deque[tuple[Position, Position]] = deque(maxlen=_HOLES)
        self._found: frozenset[datetime] | None = None
        self._before: Position | None = None
        self._fallen: frozenset[tuple[str, Position]] = frozenset()

    def note(self, account: Account, tenant: str, position: Position, *, restored: bool) -> None:
        """This was delivered, where a copy would be one more. What was in work when a hole was found may be in it."""
        self._recent.append((tenant, position, restored))
        if restored:
            again = (tenant, position) in self._restored
            self._restored[tenant, position] = True
        else:
            again = any(begin < position <= end for begin, end in self._spans)
        if again:
            account.repeated(tenant, 1)

    def observe(self, account: Account, state: Checkpoint | None) -> None:
        """Look at the reader's checkpoint: before anything is sent, and each second or so."""
        if state is None:
            return
        holes = [*([state.hole] if state.hole else []), *state.past]
        begin = self._before or state.position
        for hole in holes:
            if self._found is not None and hole.found_at not in self._found:
                self._spans.append((begin, hole.upto))
                for tenant, position, restored in self._recent:
                    if not restored and begin < position <= hole.upto:
                        account.repeated(tenant, 1)
        self._found = frozenset(hole.found_at for hole in holes)
        self._before = state.position

    def fall(self, account: Account, stretches: Iterable[Stretch]) -> None:
        """Look at the sink's stretches, as often: whose tenant has fallen behind since."""
        behind = {(one.key, one.since): one.tenant for one in stretches if one.upto is None and one.tenant}
        for key, tenant in behind.items():
            if key not in self._fallen:
                again = sum(whose == tenant and place > key[1] for whose, place, _ in self._recent)
                account.repeated(tenant, again)
        self._fallen = frozenset(behind)
