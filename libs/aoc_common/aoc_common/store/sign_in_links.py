"""Links that sign a person in once, stored by their fingerprints, never with the secret.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_common.contracts.credentials import Fingerprint
    from aoc_common.store.sessions import SignedIn


class SignInLinks(Protocol):
    """Links that sign a person in once."""

    async def make(self, of: Fingerprint, person: SignedIn, ends_at: datetime) -> None:
        """Store a link."""
        ...

    async def take(self, of: Fingerprint, at: datetime) -> SignedIn | None:
        """Use a link up: whom it signs in. None for one that was used, has ended, or never was."""
        ...
