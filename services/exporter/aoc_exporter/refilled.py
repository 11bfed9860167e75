"""What was delivered as it came, and comes again from the store, because the stream lost it before that was on record.

A reader's checkpoint moves on once a second. What was delivered behind it when the stream was deleted, or dropped what
it held, lies in the hole that is filled, and goes a second time: each replica counts what it sent of that by itself.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.contracts.publications import Position
    from aoc_common.contracts.reading import Checkpoint
    from aoc_exporter.account import Account

#: Deliveries, and holes, that are remembered.
_DELIVERIES: Final = 20_000
_HOLES: Final = 20


class Refilled:
    """Knows what this replica has delivered of a sink from the stream; counts into the account of the sink at work.

    It outlives that one: a sink is started anew where its settings change, or the stream is away.
    """

    def __init__(self) -> None:
        self._account: Account | None = None
        self._recent: deque[tuple[str, Position]] = deque(maxlen=_DELIVERIES)
        self._spans: deque[tuple[Position, Position]] = deque(maxlen=_HOLES)
        self._seen: frozenset[datetime] | None = None
        self._before: Position | None = None

    def into(self, account: Account) -> None:
        """Count into this account from now on."""
        self._account = account

    def sent(self, tenant: str, position: Position) -> None:
        """This was delivered as it came. What was in work when a hole was found may be in it."""
        self._recent.append((tenant, position))
        if any(begin < position <= end for begin, end in self._spans):
            self._count(tenant)

    def learn(self, state: Checkpoint | None) -> None:
        """Look at the reader's checkpoint: each second or so."""
        if state is None:
            return
        holes = [*([state.hole] if state.hole else []), *state.past]
        begin = self._before or state.position
        for hole in holes:
            if self._seen is not None and hole.found_at not in self._seen:
                self._spans.append((begin, hole.upto))
                for tenant, position in self._recent:
                    if begin < position <= hole.upto:
                        self._count(tenant)
        self._seen = frozenset(hole.found_at for hole in holes)
        self._before = state.position

    def _count(self, tenant: str) -> None:
        if self._account is not None:
            self._account.repeated(tenant, 1)
