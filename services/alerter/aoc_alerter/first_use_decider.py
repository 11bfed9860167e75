"""Of what rules find only if it was used for the first time, what was."""

from __future__ import annotations

import asyncio
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_common.contracts.access import Scope
from aoc_rules.finding import PendingFirstUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.uses import Use
    from aoc_common.store.first_uses import FirstUses
    from aoc_rules.correlation.groups import Counted
    from aoc_rules.grouping import Found

#: Look-ups at once.
_AT_ONCE: Final = 8


class FirstUseDecider:
    """Decides by the events that are stored."""

    def __init__(self, uses: FirstUses) -> None:
        self._uses = uses

    async def decided(self, told: Sequence[Found | Counted | PendingFirstUse]) -> list[Found | Counted]:
        """What rules have found. Raises `Transient`. What matches no such rule costs nothing."""
        unsure = _earliest([one for one in told if isinstance(one, PendingFirstUse)])
        made: list[Found | Counted] = [one for one in told if not isinstance(one, PendingFirstUse)]
        for some in batched(unsure, _AT_ONCE):
            for one, first in zip(some, await asyncio.gather(*map(self._is_first, some)), strict=True):
                if first:
                    made += one.found
        return made

    async def _is_first(self, one: PendingFirstUse) -> bool:
        first = await self._uses.is_first(Scope(one.tenant), one.use)
        metrics.FIRST_USES.labels("not in time" if first is None else "first" if first else "again").inc()
        # In doubt it is told: what cannot be looked up in time must not be missed.
        return first is not False


def _earliest(unsure: Sequence[PendingFirstUse]) -> list[PendingFirstUse]:
    """Of several uses of the same in a batch the earliest: the others come after one that is stored."""
    made: dict[object, Use] = {}
    kept: list[PendingFirstUse] = []
    for one in sorted(unsure, key=lambda one: (one.use.at, one.use.event)):
        use = one.use
        key = (one.tenant, one.rule, use.kind, use.actor, use.names)
        first = made.setdefault(key, use)
        if first.same == use.same or first.at < use.since:
            made[key] = use
            kept.append(one)
    return kept
