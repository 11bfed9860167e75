"""Which routes there are now: those of the file, which is read again when it changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aoc_alerter import metrics
from aoc_alerter.notifying.route import read_file
from aoc_alerter.notifying.selection import Choice
from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aoc_alerter.notifying.route import Route

_log = logs.get(__name__)


class Routes:
    """Follows the file. One that cannot be read leaves what is known as it is, and is said once."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._complaint = ""
        self._read: tuple[int, ...] | None = None
        self.choices: Sequence[Choice] = ()

    async def start(self) -> None:
        """Read the file for the first time. Raises `BadConfiguration`."""
        if self._file is not None:
            self._take(await asyncio.to_thread(read_file, self._file))

    async def look(self) -> None:
        """Read the file again if it has changed."""
        if self._file is None:
            return
        try:
            changed = await asyncio.to_thread(self._changed, self._file)
            routes = await asyncio.to_thread(read_file, self._file) if changed else None
        except BadConfiguration as error:
            self._complain(str(error))
        else:
            if routes is not None:
                self._take(routes)
                self._complain("")

    def _changed(self, file: Path) -> bool:
        try:
            found = file.stat()
        except OSError as error:
            self._read = None  # when it is back it is read, though it be as it was
            raise BadConfiguration(f"{file}: {error.strerror}") from None
        # Who may read it, and which file a link leads to, changes no time of its content.
        seen, self._read = self._read, (found.st_ino, found.st_ctime_ns, found.st_mtime_ns, found.st_size)
        return seen != self._read

    def _take(self, routes: Sequence[Route]) -> None:
        if list(routes) != [choice.route for choice in self.choices]:
            self.choices = [Choice(route) for route in routes]
            _log.info("notification_routes.read", routes=[route.name for route in routes])

    def _complain(self, complaint: str) -> None:
        metrics.NOTIFICATIONS_UNREADABLE.set(bool(complaint))
        if complaint and complaint != self._complaint:
            _log.error("notification_routes.unreadable", error=complaint, hint="what was read before stays")
        self._complaint = complaint
