"""Routes at work without a bus, over a real store: what they send, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import yaml

from aoc_alerter.notifying.at_work import RouteAtWork, Tools
from aoc_alerter.notifying.intake import Revision, wants
from aoc_alerter.notifying.notifier import Notifier
from aoc_alerter.notifying.route import Route, read_text
from aoc_alerter.notifying.routes import Routes
from aoc_alerter.notifying.selection import Choice
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.lease import MongoLease
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from aoc_common.store.mongo.notifications import MongoNotifications
from made_alerts import KEEP, NOW, alert_event, alert_of
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_alerter.notifying.message import Message
    from aoc_common.contracts.alert import Alert, Severity
    from aoc_common.contracts.notifications import Notification
    from aoc_common.errors import BadConfiguration
    from aoc_common.store.mongo.client import Database

GATEWAY = "https://aoc.example"


def route(**settings: Any) -> Route:
    """A route as its file says it."""
    entry = {"name": "people", "options": {"url": "env:AOC_NOTIFICATION_URL"}, **settings}
    return read_text(yaml.safe_dump({"routes": [entry]}).encode(), "file")[0]


def alerts(count: int, severity: Severity = "high", **more: Any) -> list[Alert]:
    return [replace(alert_of(alert_event(number)), severity=severity, **more) for number in range(count)]


class Box:
    """A destination that keeps what it gets, or does not. `fails`: what it raises instead; `meanwhile`: what
    happens while it is told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.tries = 0
        self.fails: Exception | None = None
        self.answer = b""
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def send(self, message: Message) -> bytes:
        self.tries += 1
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fails is not None:
            raise self.fails
        self.messages.append(message)
        return self.answer

    async def close(self) -> None:
        return

    @property
    def titles(self) -> list[str]:
        return [message.title for message in self.messages]


class Telling:
    """One route, with a store. `store`: may be one that fails."""

    def __init__(self, database: Database, settings: Route, store: Any = None) -> None:
        self.clock = ManualClock(NOW)
        self.box = Box()
        self.letters: list[tuple[Notification, str]] = []
        self.made = 0
        self.cannot: BadConfiguration | None = None
        self.store = store or MongoNotifications(database, KEEP)
        self.alerts = MongoAlerts(database, KEEP)
        self.choice = Choice(settings)
        self.tools = Tools(self.store, self.alerts, self._make, self._give_up, self.clock, GATEWAY, timedelta(hours=72))
        self.at_work = RouteAtWork(settings, self.tools)

    def restart(self) -> None:
        """Another process, which knows what is stored."""
        self.at_work = RouteAtWork(self.choice.route, self.tools)

    async def comes(self, *alerts: Alert) -> None:
        """Revisions are stored and published."""
        for alert in alerts:
            before = (await self.alerts.of([alert.id])).get(alert.id)
            assert await self.alerts.write([AlertWrite(alert, before, None)])
            await self.taken_in(alert)

    async def taken_in(self, alert: Alert) -> None:
        """A revision comes from the bus, for the first time or again."""
        published = AlertMessage.of(alert)
        revision = Revision.of(published.subject, published.headers, published.body)
        await self.store.want(list(wants(revision, [self.choice], {}, self.clock.now())), self.clock.now())

    async def goes_on(self, seconds: float = 0, rounds: int = 1) -> None:
        """So much time passes, in so many rounds."""
        for _ in range(rounds):
            self.clock.advance(seconds / rounds)
            await self.at_work.round()

    def notifier(self, database: Database) -> Notifier:
        """A replica that serves the route."""
        routes = Routes(None)
        routes.choices = [self.choice]
        states = MongoNotificationRoutes(database)
        tools = replace(self.tools, clock=self.clock)
        return Notifier(routes, tools, states, lambda name: MongoLease(database, f"notifications {name}"))

    async def _make(self, _: Route) -> Box:
        if self.cannot is not None:
            raise self.cannot
        self.made += 1
        return self.box

    async def _give_up(self, notification: Notification, words: str) -> None:
        self.letters.append((notification, words))
