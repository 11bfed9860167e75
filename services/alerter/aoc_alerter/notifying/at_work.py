"""One route at work: what is due is sent, message by message, and noted. One replica at a time serves a route."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_alerter.notifying.message import ASKS_FOR_TICKET, of_alert, of_end, of_several
from aoc_alerter.notifying.selection import is_open
from aoc_alerter.notifying.tickets import give, is_from_ticket, ticket_in
from aoc_common.backoff import backoff
from aoc_common.contracts.notifications import OVER, Counted, RouteRequest, Settled, grade, severity_of
from aoc_common.errors import BadConfiguration, Permanent, Throttled, Transient, Unreachable
from aoc_common.outbound.refusals import Unusable, one_line
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_alerter.notifying.destination import Destination
    from aoc_alerter.notifying.message import Message
    from aoc_alerter.notifying.route import Route
    from aoc_common.clock import Clock
    from aoc_common.contracts.alert import Alert
    from aoc_common.contracts.notifications import Notification, RouteLife
    from aoc_common.store.alerts import AlertStore
    from aoc_common.store.notifications import NotificationStore

_log = logs.get(__name__)

#: Notifications of a round, and messages.
_MOST: Final = 500
_MESSAGES: Final = 50
#: Seconds until a route, or a notification, is tried again, at most. The other side has no say in it.
_ROUTE_S: Final = 60.0
_NOTIFICATION_S: Final = 300.0
#: Clocks of replicas differ by no more.
_CLOCKS_DIFFER: Final = timedelta(minutes=2)
#: A message that is not sent by then is not. Seconds.
_PATIENCE_S: Final = 40.0

type MakeDestination = Callable[[Route], Awaitable[Destination]]
"""May raise `BadConfiguration`."""
type GiveUp = Callable[[Notification, str], Awaitable[None]]
"""Puts a notification on record that is given up. Idempotent; may raise `Transient`."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every route is served with. `gateway`: its address, or empty. `trying`: for how long."""

    store: NotificationStore
    alerts: AlertStore
    make: MakeDestination
    give_up: GiveUp
    clock: Clock
    gateway: str
    trying: timedelta


class RouteAtWork:
    """Serves one route as it is set; another setting takes another one."""

    def __init__(self, route: Route, tools: Tools) -> None:
        self.route = route
        self._with = tools
        self._destination: Destination | None = None
        self._failures = 0
        self._retry_at = 0.0
        self.life: RouteLife = "running"
        self.words = ""
        self.error = ""
        self.error_at: datetime | None = None
        self.sent_at: datetime | None = None
        self._counted = Counted()
        self._leaving = False

    def counted(self) -> Counted:
        """What was done since this was asked last."""
        counted, self._counted = self._counted, Counted()
        return counted

    async def round(self) -> None:
        """Send what is due. Raises `Transient` when the store is away."""
        clock, route = self._with.clock, self.route
        now = clock.now()
        if route.paused or not is_open(route.hours, now):
            self.life, self.words = ("paused" if route.paused else "closed"), ""
            return
        if self.life in {"paused", "closed"}:
            self.life = "running"
        if clock.monotonic() < self._retry_at:
            return
        for batch in (await self._batches(now))[:_MESSAGES]:
            if self._leaving or not await self._tell(batch):
                return

    def leave(self) -> None:
        """Send nothing after the message that is on its way."""
        self._leaving = True

    async def close(self) -> None:
        """Let go of the destination."""
        destination, self._destination = self._destination, None
        if destination is not None:
            await destination.close()

    async def _batches(self, now: datetime) -> list[list[Notification]]:
        """What is told in one message each."""
        due = await self._due(now, now)
        alone = [one for one in due if not one.gather]
        gathered = [one for one in due if one.gather]
        if gathered and self.route.digest is not None:
            # Whoever comes into a digest is told with those whose time has come.
            due = await self._due(now, now + timedelta(minutes=self.route.digest.every_m))
            gathered = [one for one in due if one.gather]
        # Each end by itself: a pager closes one incident by one message.
        ends = [[one] for one in alone if one.ending]
        alone = [one for one in alone if not one.ending]
        batches = [alone] if len(alone) >= self.route.together_from else [[one] for one in alone]
        return ends + batches + ([gathered] if gathered else [])

    async def _due(self, now: datetime, until: datetime) -> Sequence[Notification]:
        """What may be sent by then. Nothing waits for longer than for its digest, or to be tried again."""
        every = self.route.digest.every_m if self.route.digest is not None else 0
        latest = now + timedelta(minutes=every, seconds=_NOTIFICATION_S) + _CLOCKS_DIFFER
        return await self._with.store.due(self.route.name, until, _MOST, latest)

    async def _tell(self, batch: Sequence[Notification]) -> bool:
        """Tell these in one message; whether the destination is well."""
        stored = await self._with.alerts.of([one.alert for one in batch])
        alerts = {key: found.alert for key, found in stored.items()}
        left = await self._left(batch, alerts)
        if not left:
            return True
        repeated = sum(one.sending for one in left)
        await self._with.store.sending(left)
        try:
            message = self._message(left, alerts)
            answer = await self._send(message)
        except BadConfiguration as error:
            return await self._failed(left, error, "broken")
        except Permanent as error:
            await self._refused(left, one_line(str(error)))
        except Transient as error:
            return await self._failed(left, error, "failing")
        except Exception as error:  # noqa: BLE001  # reported with its traceback
            # A defect of ours, perhaps over one alert's values: others must not wait for it.
            _log.exception("notification.failed", route=self.route.name, alert=str(left[0].alert))
            return await self._failed(left, error, "failing")
        else:
            await self._take(answer, message, left[0])
            await self._sent(left, alerts, repeated)
        return True

    async def _left(self, batch: Sequence[Notification], alerts: Mapping[UUID, Alert]) -> list[Notification]:
        """Those that are to be told; of the others it is noted why not."""
        now = self._with.clock.now()
        unsaid = {one.key: self._reason_to_skip(one, alerts.get(one.alert)) for one in batch}
        known = [one for one in batch if unsaid[one.key] is None and self._known(one, alerts[one.alert])]
        done = [Settled(one, "dropped", words=why) for one in batch if (why := unsaid[one.key]) is not None]
        done += [self._settled(one, alerts[one.alert], "its ticket has said so") for one in known]
        if done:
            await self._with.store.settle(done, now)
        if known and self.route.resolved:
            await self._meanwhile(known, alerts, now)
        return [one for one in batch if unsaid[one.key] is None and one not in known]

    def _known(self, one: Notification, alert: Alert) -> bool:
        """Whether the destination knows by its own ticket what would be told: that it is over, or opened again.

        So what a ticket says comes back to AOC, and never to the ticket.
        """
        again = one.ends > 0 and one.told == 0
        return (alert.status in OVER or again) and is_from_ticket(alert, self.route.name)

    async def _take(self, answer: bytes, message: Message, one: Notification) -> None:
        """Give the alert the ticket that was answered, before anything says that it was told: it would be lost."""
        ticket = ticket_in(answer, self.route.name) if message.kind in ASKS_FOR_TICKET else None
        if ticket is not None:
            await give(self._with.alerts, one.alert, ticket, self.route.name, self._with.clock.now())

    def _reason_to_skip(self, one: Notification, alert: Alert | None) -> str | None:
        """Why there is nothing to tell of one; None when there is."""
        if alert is None:
            return "the alert is kept no longer"
        if alert.status not in OVER:
            return "it was opened again" if one.ending else None
        return None if self.route.resolved and one.told else "it was resolved before"

    def _message(self, batch: Sequence[Notification], alerts: Mapping[UUID, Alert]) -> Message:
        if len(batch) == 1 and not batch[0].gather:
            [one] = batch
            alert = alerts[one.alert]
            if alert.status in OVER:
                return of_end(self.route, alert, self._with.gateway, one.ends)
            told = severity_of(one.told) if one.told < grade(alert.severity) else None
            return of_alert(self.route, alert, self._with.gateway, told, one.ends)
        names = "\n".join(sorted(f"{one.alert}:{one.passed}:{one.wanted}:{one.ends}" for one in batch))
        number = blake2b(names.encode(), digest_size=12).hexdigest()
        return of_several(self.route, [alerts[one.alert] for one in batch], self._with.gateway, number)

    async def _send(self, message: Message) -> bytes:
        if self._destination is None:
            self._destination = await self._with.make(self.route)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                with metrics.NOTIFY_SECONDS.labels(self.route.name).time():
                    return await self._destination.send(message)
        except TimeoutError:
            raise Unreachable(f"no answer within {_PATIENCE_S:g} s") from None

    async def _sent(self, batch: Sequence[Notification], alerts: Mapping[UUID, Alert], repeated: int) -> None:
        now = self._with.clock.now()
        self._well(now)
        self._add(Counted(sent=len(batch), repeated=repeated, messages=1))
        await self._with.store.settle([self._settled(one, alerts[one.alert]) for one in batch], now)
        if self.route.resolved:
            await self._meanwhile(batch, alerts, now)

    def _settled(self, one: Notification, alert: Alert, words: str = "") -> Settled:
        """The destination knows it."""
        return Settled(one, "sent", max(one.wanted, grade(alert.severity)), over=alert.status in OVER, words=words)

    async def _meanwhile(self, batch: Sequence[Notification], told: Mapping[UUID, Alert], now: datetime) -> None:
        """Have those told again that were resolved, or opened, while they were told: what waited took no note of it."""
        stored = await self._with.alerts.of([one.alert for one in batch])
        found = [(one, stored[one.alert].alert) for one in batch if one.alert in stored]
        wants = [
            RouteRequest(
                one.route,
                one.tenant,
                one.alert,
                alert.severity,
                gather=one.gather,
                asks="end" if alert.status in OVER else "tell",
            )
            for one, alert in found
            if (alert.status in OVER) != (told[one.alert].status in OVER)
        ]
        await self._with.store.want(wants, now)

    async def _refused(self, batch: Sequence[Notification], words: str) -> None:
        now = self._with.clock.now()
        self._well(now, sent=False)
        self.error, self.error_at = words, now
        for one in batch:
            await self._with.give_up(one, words)
        self._add(Counted(refused=len(batch)))
        await self._with.store.settle([Settled(one, "refused", words=words) for one in batch], now)

    async def _failed(self, batch: Sequence[Notification], error: Exception, life: RouteLife) -> bool:
        """It is tried again, or was for too long."""
        clock = self._with.clock
        now, words = clock.now(), one_line(str(error))
        self._failures += 1
        self._retry_at = clock.monotonic() + backoff(self._failures, _ROUTE_S)
        if isinstance(error, Unusable):
            await self.close()  # its secrets are read again: somebody may have mended them
        self.life, self.words, self.error, self.error_at = life, words, words, now
        unknown = not isinstance(error, Throttled | Unusable | BadConfiguration)
        old = [one for one in batch if now - (one.tried_since or now) > self._with.trying]
        for one in old:
            await self._with.give_up(one, f"not taken for {self._with.trying}: {words}")
        self._add(Counted(refused=len(old)))
        metrics.NOTIFICATIONS.labels(self.route.name, "put off").inc(len(batch) - len(old))
        await self._with.store.settle(
            [
                Settled(one, "refused", words=words)
                if one in old
                else Settled(
                    one,
                    "waiting",
                    words=words,
                    due_at=now + timedelta(seconds=backoff(one.tries + 1, _NOTIFICATION_S)),
                    unknown=unknown or one.sending,
                )
                for one in batch
            ],
            now,
        )
        return False

    def _well(self, now: datetime, *, sent: bool = True) -> None:
        self._failures, self._retry_at = 0, 0.0
        self.life, self.words = "running", ""
        if sent:
            self.sent_at = now

    def _add(self, more: Counted) -> None:
        metrics.NOTIFICATIONS.labels(self.route.name, "sent").inc(more.sent)
        metrics.NOTIFICATIONS.labels(self.route.name, "refused").inc(more.refused)
        metrics.NOTIFICATION_REPEATS.labels(self.route.name).inc(more.repeated)
        self._counted += more
