"""The register of the keys that reports are signed with. It holds public keys only.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.report_keys import PublishedKey


class KeyRegister(Protocol):
    """Publishes keys. A key never leaves it, and its times never change once they are noted."""

    async def publish(self, key: bytes, at: datetime) -> None:
        """This public key signs from now on. Idempotent: the first time stays."""
        ...

    async def retire(self, kid: str, at: datetime) -> bool:
        """It signs no more; False when there is no such key. Idempotent: the first time stays."""
        ...

    async def published(self) -> Sequence[PublishedKey]:
        """Every key, the newest first; 1,000 at most."""
        ...

    async def installation(self) -> str:
        """The id of this installation: a random UUID, made at first use and never changed."""
        ...
