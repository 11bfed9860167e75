"""Where the chains of the audit trail end. Methods may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.audit import Chain, Head


@dataclass(frozen=True, slots=True)
class KnownHead:
    """The end of a chain as it was noted, and the sequence up to which its entries are on the bus."""

    head: Head
    published: int


class AuditHeads(Protocol):
    """Remembers where each chain ends, and what of it is on the bus."""

    async def note(self, heads: Sequence[Head]) -> None:
        """These are the ends now."""
        ...

    async def of_tenant(self, tenant: str, after: str, limit: int) -> list[KnownHead]:
        """The ends of the chains about a tenant, by writer, those behind the writer `after`."""
        ...

    async def unpublished(self, limit: int) -> list[KnownHead]:
        """Chains of which something is not on the bus yet."""
        ...

    async def published(self, chain: Chain, sequence: int) -> None:
        """The chain is on the bus up to this entry."""
        ...
