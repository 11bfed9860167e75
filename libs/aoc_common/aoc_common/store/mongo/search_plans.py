"""How a search is put to the server: one plan for MongoDB, one for SecantusDB.

MongoDB plans by itself: what an index serves whole is one question to it. SecantusDB reads all that an index leads to
before it sorts and limits, so with it every search walks back in time over windows. A filter beyond the index has to
look at documents wherever it runs, so that walks with both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from aoc_common.store.mongo.event_walk import EventWalk, Found, questioned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database, Document
    from aoc_common.store.mongo.event_walk import Wanted
    from aoc_common.store.pace import Pace

#: Seconds after which a question is given up (and answered as "try again").
GIVE_UP_S: Final = 20.0


class SearchPlan(Protocol):
    """Finds events."""

    async def newest(self, wanted: Wanted, limit: int, fields: Mapping[str, Any], pace: Pace) -> Found:
        """The newest `limit` documents that match, of each only `fields`. Raises the driver's errors, `Unreachable`."""
        ...


class _Plan:
    """What both plans do: ask once, or walk."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._events = database["events"]
        self._walk = EventWalk(self._events, clock)

    async def _once(self, index: Document, rest: Document, limit: int, fields: Mapping[str, Any], pace: Pace) -> Found:
        """One question. What an index serves is bounded by `limit`, so its turn may be as long as it takes."""
        async with pace.turn():
            return Found(await questioned(self._events, index, rest, limit, fields, GIVE_UP_S))


class MongoPlan(_Plan):
    """For MongoDB."""

    async def newest(self, wanted: Wanted, limit: int, fields: Mapping[str, Any], pace: Pace) -> Found:
        """One question, or, with a filter beyond the index, a walk."""
        if wanted.few is None and wanted.rest:
            return await self._walk.back(wanted, limit, fields, pace)
        return await self._once(wanted.whole(), {}, limit, fields, pace)


class SecantusPlan(_Plan):
    """For SecantusDB."""

    async def newest(self, wanted: Wanted, limit: int, fields: Mapping[str, Any], pace: Pace) -> Found:
        """A walk; one question for what few events have, whose own index a range of ids would make useless."""
        if wanted.few is None:
            return await self._walk.back(wanted, limit, fields, pace)
        return await self._once(wanted.few, wanted.whole(), limit, fields, pace)


class PlanOfServer:
    """The plan for the server that answers. It is asked at the first search: services are wired while it is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._plan: SearchPlan | None = None

    async def newest(self, wanted: Wanted, limit: int, fields: Mapping[str, Any], pace: Pace) -> Found:
        """As `SearchPlan` says."""
        if self._plan is None:
            secantus = "secantusVersion" in await self._database.command("buildInfo")
            self._plan = (SecantusPlan if secantus else MongoPlan)(self._database, self._clock)
        return await self._plan.newest(wanted, limit, fields, pace)
