"""How collectors share a rate limit: their allocations, one document a limit.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Allocation:
    """Requests a window that a collector holds (`units`), and could use (`demand`). `beat` counts its renewals."""

    units: int
    demand: int
    beat: int


@dataclass(frozen=True, slots=True)
class Allocations:
    """The allocations of a limit, by collector. `version` changes with each of them; 0 when there is none yet."""

    version: int = 0
    members: Mapping[str, Allocation] = field(default_factory=dict)


class ShareStore(Protocol):
    """Keeps allocations."""

    async def read(self, limit: str) -> Allocations:
        """The allocations of a limit."""
        ...

    async def write(  # one step: all of it, or nothing
        self, limit: str, version: int, member: str, allocation: Allocation, lost: Collection[str], at: datetime
    ) -> bool:
        """Set one allocation and drop those of `lost` if the limit still has this version; whether it had."""
        ...
