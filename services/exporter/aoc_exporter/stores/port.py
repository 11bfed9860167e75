"""The port of all places that files are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from contextlib import AbstractAsyncContextManager

#: Characters that names of files consist of, beside letters and digits: they mean the same on a disk and in an address.
PLAIN: Final = "/-_.~"

type Read = Callable[[], Awaitable[bytes]]
"""Gives the content of a file; nothing where it is gone, or we may not read it: such a file is none of ours."""


class Store(Protocol):
    """A place that files are written to, each whole or not at all."""

    @property
    def readable(self) -> bool:
        """Whether what lies there can be looked at."""
        ...

    async def put(self, path: str, content: bytes) -> None:
        """Make this the content of the file with that path, `/` between its parts; what was there is replaced.

        Returns when the store has confirmed it, within a bound that its time-outs give, after one try. No other path
        is ever seen with a part of the content. Raises `Throttled` or `Unusable` when it was not written, `Transient`
        when that is not known, `RefusedWhole` when it is too large to be ever written.
        """
        ...

    def alone(self, folder: str) -> AbstractAsyncContextManager[bool]:
        """Within the context nobody else writes to a folder who asks for the same: in a store that is readable.

        Gives whether others may have written there, since it was given before, what `latest` has. Waits for a bounded
        time; raises `Transient`.
        """
        ...

    async def latest(self, folder: str, suffix: str, most: int, known: Collection[str]) -> Sequence[tuple[str, Read]]:
        """Names of files in a folder, and how each is read; that which was written last is first.

        Of the `most` that were written last with that end of their names, those whose names are not known. Nothing
        where it is not readable. What cannot be a file of ours (it is too large, or no file) is left out: others may
        have theirs beside it. Raises `Transient`, and so does reading.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. No call follows."""
        ...
