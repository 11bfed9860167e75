"""What the directories of tenants say now.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.directory import Entity


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """An entity became known, or changed its name: by which keys it is found, and when."""

    tenant: str
    keys: tuple[str, ...]
    at: datetime


class DirectoryNames(Protocol):
    """Reads the directories that the collector keeps, as they are now."""

    async def find(self, tenant: str, keys: Sequence[str]) -> dict[str, Entity]:
        """Those of these keys (spelled by `contracts.directory.key`) that a tenant's directory knows. One query."""
        ...

    async def changed(self, since: datetime, limit: int) -> list[DirectoryChange]:
        """Entities that became known or changed their name after `since`, oldest first.

        `limit` or a few more: what changed at one moment is never split, so that the last moment can be the next
        `since`. Collectors write at the same time and their clocks differ: look back a little.
        """
        ...
