"""People are told of alerts: routes are followed, alerts taken in, and questions answered."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_alerter.notifying.answers import Answers
from aoc_alerter.notifying.apprise_sender import AppriseProcesses, ByApprise
from aoc_alerter.notifying.at_work import Tools
from aoc_alerter.notifying.dead_letters import NotificationDeadLetters
from aoc_alerter.notifying.destination import AppriseOptions, options_of
from aoc_alerter.notifying.intake import make_handler
from aoc_alerter.notifying.notifier import Notifier
from aoc_alerter.notifying.routes import Routes
from aoc_alerter.notifying.webhook import SignedWebhook
from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler
from aoc_common.contracts.jobs import NotificationJob, NotifyJob
from aoc_common.outbound.web import checked
from aoc_common.service.worker import job_account
from aoc_common.store.mongo.alerts import MongoAlerts
from aoc_common.store.mongo.lease import MongoLease
from aoc_common.store.mongo.notification_routes import MongoNotificationRoutes
from aoc_common.store.mongo.notifications import MongoNotifications
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers

if TYPE_CHECKING:
    from aoc_alerter.notifying.destination import Destination
    from aoc_alerter.notifying.route import Route
    from aoc_alerter.notifying.selection import Groups
    from aoc_alerter.settings import AlerterSettings
    from aoc_common.clock import Clock
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.registry import TenantRegistry


async def add(settings: AlerterSettings, registry: TenantRegistry, parts: Parts) -> None:
    """Add who tells people. Raises `BadConfiguration` for a file with routes that cannot be read."""
    resources, options = parts.resources, settings.notify
    database, clock = resources.database, resources.clock
    checked(options.allowed_networks)
    routes = Routes(settings.notifications_file)
    await routes.start()
    processes = AppriseProcesses(options.allowed_networks, settings.alerter.gateway_url, clock)
    parts.closing(processes.close)

    async def make(route: Route) -> Destination:
        return await asyncio.to_thread(_made, route, settings, processes, clock)

    async def groups() -> Groups:
        return {tenant.name: frozenset(tenant.groups) for tenant in await registry.tenants()}

    tools = Tools(
        MongoNotifications(database, timedelta(days=settings.alerter.keep_days)),
        MongoAlerts(database, None),
        make,
        NotificationDeadLetters(job_account(database), lambda: resources.js, clock).put,
        clock,
        settings.alerter.gateway_url,
        timedelta(hours=options.trying_h),
    )
    notifier = Notifier(
        routes,
        tools,
        MongoNotificationRoutes(database),
        lambda name: MongoLease(database, f"notifications {name}"),
    )
    parts.closing(notifier.close)
    within = timedelta(hours=options.within_h)
    handle = make_handler(lambda: routes.choices, groups, tools.store, notifier.wake, clock, within)
    parts.read_messages(consumers.NOTIFIER, handle)
    answers = Answers(routes, tools, groups, MongoSinkAnswers(database, clock))
    parts.consume(consumers.NOTIFICATION_JOBS, job_handler(NotificationJob, answers.answer), 2)
    parts.consume(consumers.NOTIFY_JOBS, job_handler(NotifyJob, answers.retry))
    parts.every(options.look_s, "telling of alerts", notifier.look)
    parts.every(30.0, "ending idle processes", processes.end_idle)
    parts.probe("notifications", notifier.trouble)


def _made(route: Route, settings: AlerterSettings, processes: AppriseProcesses, clock: Clock) -> Destination:
    """The destination of a route. Blocks: reads files. Raises `BadConfiguration`."""
    options = options_of(route, settings.notify)
    if isinstance(options, AppriseOptions):
        return ByApprise(options, processes)
    return SignedWebhook(options, clock)
