"""Watches what is asked of a database: whether the server is told how long it may work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo.monitoring import CommandListener

if TYPE_CHECKING:
    from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent

#: What belongs to a connection or a cursor, not to a question; a cursor's limit is that of what opened it.
_OF_THE_DRIVER: Final = frozenset({"hello", "isMaster", "endSessions", "killCursors", "getMore"})


class TimeLimits(CommandListener):
    """Collects commands without a limit. `longest_ms`: the longest that any command may take."""

    def __init__(self) -> None:
        self.unlimited: list[tuple[str, Any]] = []
        self.longest_ms = 0

    def started(self, event: CommandStartedEvent) -> None:
        """A command is sent."""
        name, limit = event.command_name, event.command.get("maxTimeMS")
        if name in _OF_THE_DRIVER:
            return
        if limit is None:
            self.unlimited.append((name, event.command.get(name)))
        else:
            self.longest_ms = max(self.longest_ms, limit)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Of no interest."""
