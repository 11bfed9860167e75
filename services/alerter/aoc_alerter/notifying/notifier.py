"""All routes at work, each by itself: one that hangs or fails holds up no other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from aoc_alerter import metrics
from aoc_alerter.notifying.at_work import RouteAtWork
from aoc_alerter.notifying.route import shown
from aoc_common.contracts.notifications import RouteState
from aoc_common.errors import AocError, Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aoc_alerter.notifying.at_work import Tools
    from aoc_alerter.notifying.routes import Routes
    from aoc_common.store.notification_routes import NotificationRouteStore

_log = logs.get(__name__)

#: How often a lease is renewed, which lasts a minute, and how often a route's state is told. Seconds.
_LEASE_S: Final = 15.0
_TELL_S: Final = 5.0
#: A round that is on its way may end when the service leaves. Seconds.
_LEAVE_S: Final = 3.0
#: A route that nobody has served for so long is no more.
_GONE: Final = timedelta(minutes=10)
#: A notifier that has not looked for so long stands still. Seconds.
_STILL_S: Final = 60.0


class Lease(Protocol):
    """The right to serve a route."""

    async def take(self, now: datetime) -> bool:
        """Take it, or keep it; False when another has it. Raises `Transient`."""
        ...

    async def give_back(self) -> None:
        """Let others have it. Raises `Transient`."""
        ...


@dataclass(slots=True)
class _Served:
    at_work: RouteAtWork
    lease: Lease
    held: bool = False
    asked_at: float = float("-inf")
    told_at: float = float("-inf")
    task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()


class Notifier:
    """Serves the routes that there are. `lease`: by a route's name."""

    def __init__(
        self, routes: Routes, tools: Tools, states: NotificationRouteStore, lease: Callable[[str], Lease]
    ) -> None:
        self._routes = routes
        self._with = tools
        self._states = states
        self._lease = lease
        self._served: dict[str, _Served] = {}
        self._looked_at = tools.clock.monotonic()
        self._cleaned_at = float("-inf")

    async def look(self) -> None:
        """See which routes there are, have each send what is due, and tell how they fare. Raises `Transient`."""
        await self._routes.look()
        await self._follow()
        for served in self._served.values():
            await self._serve(served)
        await self._clean()
        self._looked_at = self._with.clock.monotonic()

    def wake(self) -> None:
        """Something is due."""
        for served in self._served.values():
            if served.held and not served.busy:
                served.task = asyncio.create_task(_round(served.at_work))

    async def trouble(self) -> str | None:
        """Why nobody is told of anything; None when that is not so."""
        still = self._with.clock.monotonic() - self._looked_at
        return f"nothing was looked at for {still:.0f} s" if still > _STILL_S else None

    async def close(self) -> None:
        """Let rounds end, within seconds, and others take over."""
        for served in self._served.values():
            served.at_work.leave()
        tasks = [served.task for served in self._served.values() if served.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=_LEAVE_S)
        for served in self._served.values():
            await self._leave(served)
        self._served.clear()

    async def _follow(self) -> None:
        wanted = {choice.route.name: choice.route for choice in self._routes.choices}
        for name, served in list(self._served.items()):
            if served.at_work.route == wanted.get(name):
                continue
            served.at_work.leave()
            if not served.busy:
                del self._served[name]
                await self._leave(served)
        for name, route in wanted.items():
            if name not in self._served:
                self._served[name] = _Served(RouteAtWork(route, self._with), self._lease(name))

    async def _serve(self, served: _Served) -> None:
        clock = self._with.clock
        if clock.monotonic() - served.asked_at >= _LEASE_S:
            served.held = await served.lease.take(clock.now())
            served.asked_at = clock.monotonic()
        if not served.held:
            if served.task is not None:
                served.task.cancel()  # another replica sends: what was being sent is marked
            return
        if not served.busy:
            served.task = asyncio.create_task(_round(served.at_work))
        if clock.monotonic() - served.told_at >= _TELL_S:
            await self._tell(served.at_work)
            served.told_at = clock.monotonic()

    async def _tell(self, at_work: RouteAtWork) -> None:
        now, name = self._with.clock.now(), at_work.route.name
        waiting, oldest = await self._states.backlog(name)
        state = RouteState(
            name,
            shown(at_work.route),
            at_work.life,
            now,
            at_work.words,
            waiting,
            oldest,
            sent_at=at_work.sent_at,
            error=at_work.error,
            error_at=at_work.error_at,
        )
        await self._states.tell(state, at_work.counted())
        metrics.NOTIFICATIONS_WAITING.labels(name).set(waiting)
        metrics.NOTIFICATIONS_OLDEST_SECONDS.labels(name).set((now - oldest).total_seconds() if oldest else 0)
        metrics.NOTIFICATION_ROUTE_WELL.labels(name).set(at_work.life not in {"failing", "broken"})

    async def _leave(self, served: _Served) -> None:
        if served.task is not None:
            served.task.cancel()
            await asyncio.gather(served.task, return_exceptions=True)
        await served.at_work.close()
        if served.held:
            try:
                await self._tell(served.at_work)
                await served.lease.give_back()
            except Transient as error:
                _log.warning("notification_route.left", route=served.at_work.route.name, error=str(error))

    async def _clean(self) -> None:
        """Forget routes that are no more, now and then."""
        clock = self._with.clock
        if clock.monotonic() - self._cleaned_at < _STILL_S:
            return
        self._cleaned_at = clock.monotonic()
        for state in await self._states.all():
            if state.name not in self._served and clock.now() - state.seen_at > _GONE:
                await self._states.forget(state.name)


async def _round(at_work: RouteAtWork) -> None:
    try:
        await at_work.round()
    except AocError as error:
        _log.warning("notification_round.failed", route=at_work.route.name, error=str(error))
    except Exception:  # noqa: BLE001  # reported with its traceback
        # A defect over one route must not end the others' service.
        _log.exception("notification_round.failed", route=at_work.route.name)
