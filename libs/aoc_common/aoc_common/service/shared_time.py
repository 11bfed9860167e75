"""What time it is: as the database says, by which all replicas go, and by which what they store is removed.

What a wrong clock says of the past and of what is due would stay so when it is right again: alerts of today would be of
the past, people told hours later, and things missing that may still come.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_common.clock import ServerClock, SteadyClock, SystemClock
from aoc_common.store.mongo.server_time import server_time
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.store.mongo.client import Database

_log = logs.get(__name__)

#: Seconds between two looks. Meanwhile this machine counts seconds.
LOOK_S: Final = 15.0
#: Seconds by which clocks may differ without a word.
_DIFFERS_S: Final = 60.0


class SharedTime:
    """The database's time. `clock` is right from the first look on; before, it is this machine's.

    A database's clock that is set wrong for a moment, or another primary with another clock, is not believed at once.
    `stepped`: as of `SteadyClock`. `compared`: is told by how many seconds this machine's clock is ahead.
    """

    def __init__(
        self, stepped: Callable[[float], None] = lambda _: None, compared: Callable[[float], None] = lambda _: None
    ) -> None:
        self._server = ServerClock(SystemClock())
        self.clock = SteadyClock(self._server, stepped)
        self._compared = compared
        self._looked = False
        self._differs = False

    async def look(self, database: Database) -> None:
        """Ask what time it is. Raises `Transient`."""
        ahead = await self._server.look(partial(server_time, database))
        if ahead is None:
            return
        if not self._looked:
            self.clock.believe()
            self._looked = True
        self._compared(ahead)
        before, self._differs = self._differs, abs(ahead) > _DIFFERS_S
        if self._differs and not before:
            hint = "set the clocks of this machine and of the database's; the database's counts"
            _log.warning("clock.differs", seconds=round(ahead), hint=hint)
