"""What the directories of tenants say, and have said (`contracts.periods`).

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.periods import History


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a tenant's directory says of some keys.

    `histories`: key -> the objects that it is or was a key of. `begun`: whether a reading of the directory has ever
    begun: else it has no objects. `read`: whether users were ever read to the end, so that a key without an object
    means nobody.
    """

    histories: Mapping[str, tuple[History, ...]]
    begun: bool
    read: bool


class DirectoryHistories(Protocol):
    """Reads what the directories were. Raises `Transient` when the store is away."""

    async def remembered(self, tenant: str, keys: Sequence[str]) -> Remembered:
        """All objects that have, or had, one of these keys (2,000 at most).

        Of a key that more than `contracts.periods.MANY` objects had so many of them, that whose own id it is included.
        """
        ...

    async def administrators(self, tenant: str) -> dict[str, tuple[str, ...]]:
        """Object id -> the names of those that hold a privileged role, or held one since histories are kept."""
        ...
