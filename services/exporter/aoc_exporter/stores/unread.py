"""What stores have in common that are written to, and never looked at: who may write need not be allowed to read."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aoc_exporter.stores import answers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from aoc_common import http
    from aoc_exporter.stores.port import Read


class UnreadStore:
    """A store without `put`. `name`: in what is said of it. `client`: is let go with it."""

    readable: Final = False

    def __init__(self, name: str, client: http.Client) -> None:
        self._remote = answers.remote(name)
        self._client = client

    @asynccontextmanager
    async def alone(self, folder: str) -> AsyncIterator[bool]:
        """As the port says: nothing is locked, and nothing looked at."""
        del folder
        yield False

    async def latest(self, folder: str, suffix: str, most: int, known: Collection[str]) -> Sequence[tuple[str, Read]]:
        """Nothing."""
        del folder, suffix, most, known
        return []

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()
