"""When a search that scans may use the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


class Pace(Protocol):
    """How a search shares the store with others."""

    def turn(self, needed_s: float = 0.0) -> AbstractAsyncContextManager[float | None]:
        """One turn, after waiting for it: seconds that one question may take; None when the search is to stop.

        `needed_s`: what the question may need, where a shorter turn was not enough.
        Raises what ends the search.
        """
        ...
