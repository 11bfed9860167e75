"""Dead letters on record: messages that a service gave up, whole, with the reason.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.dead_letters import DeadLetter


class DeadLetterStore(Protocol):
    """The account of dead letters. Idempotent by their keys."""

    async def put(self, letter: DeadLetter, records: int, page: str) -> bool:
        """Put a letter on record, as open; whether its body is kept here.

        `page`: its page in the ledger, empty when it is none. One that was tried again in vain is open again.
        """
        ...

    async def known(self, letter: DeadLetter) -> bool:
        """Whether the message is that of the letter that it says to be (`again`)."""
        ...

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        """The letter's copy has this sequence in AOC_DLQ; there alone is its body."""
        ...

    async def handled(self, keys: Sequence[str], at: datetime) -> None:
        """These letters were handled after all."""
        ...
