"""Events are read, alerts raised and published."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_alerter.flow import make_handler
from aoc_alerter.publishing import AlertPublisher
from aoc_alerter.raising import Raiser
from aoc_common.bus import consumers
from aoc_common.bus.publish import publish_all
from aoc_common.contracts import subjects
from aoc_common.store.mongo.alert_groups import MongoAlertGroups
from aoc_common.store.mongo.alert_hits import MongoHits
from aoc_common.store.mongo.alerts import MongoAlertOutbox, MongoAlerts

if TYPE_CHECKING:
    from aoc_alerter.following_rules import FollowingRules
    from aoc_alerter.settings import AlerterOptions
    from aoc_alerter.tenant_lists import TenantLists
    from aoc_common.service.resources import Resources
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.stored_registry import StoredTenants


def add(
    options: AlerterOptions, following: FollowingRules, lists: TenantLists, tenants: StoredTenants, parts: Parts
) -> None:
    """Add who reads events, and who publishes what people have changed."""
    resources = parts.resources
    publish = partial(publish_all, resources.js, subjects.ALERTS_STREAM)
    publisher = AlertPublisher(MongoAlertOutbox(resources.database), publish, options.gateway_url)
    handle = make_handler(
        lambda: following.library,
        lists.of_all,
        tenants.records,
        _raiser(options, resources).raise_alerts,
        publisher.run,
        resources.clock,
        timedelta(hours=options.old_after_h),
    )
    parts.read_events(consumers.ALERTER, handle, options.workers)
    parts.every(options.publish_s, "publishing alerts", publisher.run)


def _raiser(options: AlerterOptions, resources: Resources) -> Raiser:
    database, clock = resources.database, resources.clock
    alerts = MongoAlerts(database, timedelta(days=options.keep_days))
    return Raiser(MongoHits(database, clock), MongoAlertGroups(database, clock), alerts, clock)
