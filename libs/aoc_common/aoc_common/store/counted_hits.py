"""What rules have matched that correlations count: small, and found by what events have in common and their time.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from aoc_common.contracts.alert import AlertEvent


@dataclass(frozen=True, slots=True)
class CountedHit:
    """A rule, or a correlation, that has matched.

    - `event`: the event's id, or one of its own for the window of a correlation. `at`: when it happened, or ended.
    - `keys`: hashes of tenant, rule, and what the event has in common with others, one for each way of grouping.
    - `values`: what the event has in fields whose values count. `events`: it, or some of the window's; what matched in
      them, and their evidence, need not be kept.
    - `keep`: how long after it is noted it can still be part of a window.
    """

    tenant: str
    rule: str
    event: UUID
    at: datetime
    keys: tuple[str, ...]
    events: tuple[AlertEvent, ...]
    keep: timedelta
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hits with one of these keys, from `start` to `end`, both included."""

    keys: tuple[str, ...]
    start: datetime
    end: datetime


class CountedHitStore(Protocol):
    """Keeps hits that are counted."""

    async def add(self, hits: Sequence[CountedHit]) -> None:
        """Note hits. Idempotent: one of this rule and event that was noted before stays as it was."""
        ...

    async def within(self, stretch: Stretch, most: int) -> Sequence[CountedHit]:
        """The latest of a stretch, at most `most`, in the order of their time."""
        ...
