"""Routes at work without a bus, over a real store: what they send, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import yaml

from aoc_alerter.notifying.at_work import RouteAtWork, Tools
from aoc_alerter.notifying.intake import Revision, wants
from aoc_alerter.notifying.route import Route, read_text
from aoc_alerter.notifying.selection import Choice
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.store.alerts import AlertWrite
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.notifications import MongoNotifications
from made_alerts import KEEP, NOW
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_alerter.notifying.message import Message
    from aoc_common.contracts.alert import Alert
    from aoc_common.contracts.notifications import Notification
    from aoc_common.store.mongo.client import Database

GATEWAY = "https://aoc.example"


def route(**settings: Any) -> Route:
    """A route as its file says it."""
    entry = {"name": "people", "options": {"url": "env:AOC_NOTIFICATION_URL"}, **settings}
    return read_text(yaml.safe_dump({"routes": [entry]}).encode(), "file")[0]


class Box:
    """A destination that keeps what it gets, or does not. `fails`: what it raises instead."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.tries = 0
        self.fails: Exception | None = None

    async def send(self, message: Message) -> None:
        self.tries += 1
        if self.fails is not None:
            raise self.fails
        self.messages.append(message)

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
        self.store = store or MongoNotifications(database)
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

    async def _make(self, _: Route) -> Box:
        return self.box

    async def _give_up(self, notification: Notification, words: str) -> None:
        self.letters.append((notification, words))
