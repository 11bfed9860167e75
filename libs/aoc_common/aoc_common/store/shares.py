"""Who of several collectors uses how much of a limit, a document a limit.

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
    """What a collector holds of a limit, and could use: requests a window. `beat` counts its renewals."""

    units: int
    demand: int
    beat: int


@dataclass(frozen=True, slots=True)
class Allocations:
    """The claims of a limit, by collector. `version` changes with each of them; 0 when there is none yet."""

    version: int = 0
    members: Mapping[str, Allocation] = field(default_factory=dict)


class ShareStore(Protocol):
    """Keeps claims."""

    async def read(self, limit: str) -> Allocations:
        """The claims of a limit."""
        ...

    async def write(  # one step: all of it, or nothing
        self, limit: str, version: int, member: str, claim: Allocation, gone: Collection[str], at: datetime
    ) -> bool:
        """Set one claim and drop those of `gone`, if the claims still are of this version; whether they were."""
        ...
