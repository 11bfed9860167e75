"""Closing the accounts of imports that never came to an end. Every method may raise `Transient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.store.imports import ImportAccount


class InterruptedImports(Protocol):
    """Imports that were killed, or gave up waiting."""

    async def unended(self, tenant: str, before: datetime) -> Sequence[ImportAccount]:
        """A tenant's open imports that began before a moment."""
        ...

    async def interrupt(self, account: ImportAccount) -> None:
        """Close one that is open, as this says. Its own end (`ImportStore.end`) still takes the place of that."""
        ...
