"""Which raw pages may have been worked on before without their delivery count saying so.

A nats-server that is killed can forget recent acknowledgements and delivery counts, so after every (re)connection the
pages that the stream holds by then are treated as redelivered. Costs one look-up for duplicates in those pages.
"""

from __future__ import annotations


class Recheck:
    """Remembers the last sequence that was in the stream when we (re)connected."""

    def __init__(self) -> None:
        self._until = 0

    def up_to(self, sequence: int) -> None:
        """Pages up to and including `sequence` may have been worked on before."""
        self._until = max(self._until, sequence)

    def covers(self, sequence: int) -> bool:
        """Whether this page is one of them."""
        return sequence <= self._until
