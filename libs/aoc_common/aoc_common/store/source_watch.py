"""Which sources a collector looks after, and how often Microsoft asks it for fewer requests.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aoc_common.store.sources import SourceStates

if TYPE_CHECKING:
    from collections.abc import Mapping


class SourceWatch(SourceStates, Protocol):
    """Notes that sources are looked after."""

    async def note_watched(self, tenant: str, throttled: Mapping[str, float | None]) -> None:
        """A collector looks after these sources, be they collected yet or not.

        Source -> share of the last hour's answers that asked for fewer requests; None without any answer.
        """
        ...
