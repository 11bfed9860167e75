"""What the alerter is made of."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_alerter import metrics
from aoc_alerter.flow import make_handler
from aoc_alerter.following_rules import FollowingRules, librarian
from aoc_alerter.publishing import AlertPublisher
from aoc_alerter.raising import Raiser
from aoc_alerter.settings import AlerterSettings
from aoc_alerter.tenant_lists import TenantLists
from aoc_common.bus import consumers
from aoc_common.bus.publish import publish_all
from aoc_common.bus.tenant_changes import hearing
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.service.worker import Worker
from aoc_common.settings import load
from aoc_common.store.mongo.alert_groups import MongoAlertGroups
from aoc_common.store.mongo.alert_hits import MongoHits
from aoc_common.store.mongo.alerts import MongoAlertOutbox, MongoAlerts
from aoc_common.store.mongo.rules import MongoRules
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.stored_registry import StoredTenants

if TYPE_CHECKING:
    from aoc_alerter.library import Librarian
    from aoc_common.service.run import Service
    from aoc_common.service.worker import Parts


def make() -> Service:
    """The alerter that the environment describes. Raises `BadConfiguration`."""
    return worker(load(AlerterSettings), librarian()).service()


def worker(settings: AlerterSettings, rules: Librarian) -> Worker[AlerterSettings]:
    """An alerter of these rules, and of those that are stored."""
    return Worker("alerter", settings, partial(build, rules))


async def build(rules: Librarian, settings: AlerterSettings, parts: Parts) -> None:
    """Add the parts of an alerter."""
    metrics.CATALOGUE.export()
    options, resources = settings.alerter, parts.resources
    database, clock = resources.database, resources.clock
    following = FollowingRules(MongoRules(database), rules, clock)
    await following.look()
    stored = StoredTenants(MongoTenantSettings(database), clock)
    await parts.enter(hearing(resources.broker, stored.wake))
    file = FileTenants(partial(read_tenants, settings.tenants_file), SystemClock())
    lists = TenantLists(CombinedTenants(file, stored))
    alerts = MongoAlerts(database, timedelta(days=options.keep_days))
    raiser = Raiser(MongoHits(database, clock), MongoAlertGroups(database, clock), alerts, clock, options.gateway_url)
    publisher = AlertPublisher(MongoAlertOutbox(database), partial(publish_all, resources.js, subjects.ALERTS_STREAM))
    handle = make_handler(
        lambda: following.library,
        lists.of_all,
        stored.records,
        raiser.raise_alerts,
        publisher.run,
        clock,
        timedelta(hours=options.old_after_h),
    )
    parts.read_events(consumers.ALERTER, handle, options.workers)
    parts.every(options.rules_s, "following rules", following.look)
    parts.every(options.publish_s, "publishing alerts", publisher.run)
