"""What routes of notifications work with: how they fare, and alerters that answer questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_common.bus.broker import connected, jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.errors import Unreachable
from aoc_common.service.questions import Questions
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_common.clock import Clock
    from aoc_common.contracts.jobs import NotificationJob
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.notification_routes import NotificationRouteStore


@dataclass(frozen=True, slots=True)
class AlertNotifications:
    """The routes of the installation."""

    routes: NotificationRouteStore
    questions: Questions[NotificationJob]


def make_alert_notifications(broker: NatsBroker, database: Database, clock: Clock) -> AlertNotifications:
    """Over this broker, which need not be connected yet."""

    async def publish(job: NotificationJob) -> None:
        if not connected(broker):
            raise Unreachable("the bus is not connected")
        await publish_job(jetstream(broker), job)

    return AlertNotifications(
        MongoNotificationRoutes(database), Questions(publish, MongoSinkAnswers(database, clock), clock, "alerter")
    )
