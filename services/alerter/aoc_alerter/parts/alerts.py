"""Events are read, alerts raised and published."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aoc_alerter import metrics
from aoc_alerter.first_use_decider import FirstUseDecider
from aoc_alerter.flow import make_handler
from aoc_alerter.publishing import AlertPublisher
from aoc_alerter.raising import Raiser
from aoc_alerter.settling import SettlingStores, WindowDecider
from aoc_common.bus import consumers
from aoc_common.bus.noted import NotedStream
from aoc_common.contracts import subjects
from aoc_common.store.first_uses import FirstUses
from aoc_common.store.mongo.alert_groups import MongoAlertGroups
from aoc_common.store.mongo.alert_hits import MongoHits
from aoc_common.store.mongo.alerts import MongoAlertOutbox, MongoAlerts
from aoc_common.store.mongo.counted_hits import MongoCountedHits
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_common.store.mongo.window_ends import MongoWindowEnds
from aoc_rules.evaluation.completing import Correlator
from aoc_rules.evaluation.deciding import Decider

if TYPE_CHECKING:
    from aoc_alerter.following_rules import FollowingRules
    from aoc_alerter.known_tenants import KnownTenants
    from aoc_alerter.settings import AlerterOptions
    from aoc_common.service.resources import Resources
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.stored_registry import StoredTenants


def add(
    options: AlerterOptions, following: FollowingRules, known: KnownTenants, tenants: StoredTenants, parts: Parts
) -> None:
    """Add who reads events, and who publishes what people have changed."""
    resources = parts.resources
    log = MongoMessageLog(resources.database, subjects.ALERTS_STREAM)
    noted = NotedStream(subjects.ALERTS_STREAM, log, resources.clock)
    publish = partial(noted.publish, resources.js)
    publisher = AlertPublisher(MongoAlertOutbox(resources.database), publish, options.gateway_url)
    raiser, correlator = _raiser(options, resources), _correlator(options, resources)
    handle = make_handler(
        lambda: following.library,
        known.all,
        tenants.records,
        FirstUseDecider(FirstUses(make_event_search(resources.database, resources.clock))).decided,
        correlator.correlate,
        raiser.raise_alerts,
        publisher.run,
        resources.clock,
        timedelta(hours=options.old_after_h),
    )
    parts.read_events(consumers.ALERTER, handle, options.workers)
    settler = _settler(options, resources, correlator, raiser)
    parts.every(options.windows_s, "deciding windows", lambda: settler.run(following.library.correlations))
    parts.every(options.publish_s, "publishing alerts", publisher.run)


def _raiser(options: AlerterOptions, resources: Resources) -> Raiser:
    database, clock = resources.database, resources.clock
    alerts = MongoAlerts(database, timedelta(days=options.keep_days))
    return Raiser(MongoHits(database, clock), MongoAlertGroups(database, clock), alerts, clock)


def _correlator(options: AlerterOptions, resources: Resources) -> Correlator:
    database, clock = resources.database, resources.clock
    hits, ends = MongoCountedHits(database, clock), MongoWindowEnds(database, clock)
    lateness = timedelta(minutes=options.lateness_m)
    return Correlator(hits, ends.add, clock.now, lateness, options.home_tenant, metrics.CorrelationWatch())


def _settler(options: AlerterOptions, resources: Resources, correlator: Correlator, raiser: Raiser) -> WindowDecider:
    database, clock = resources.database, resources.clock
    stores = SettlingStores(
        MongoWindowEnds(database, clock),
        MongoAlertGroups(database, clock),
        MongoAlerts(database, timedelta(days=options.keep_days)),
    )
    lateness = timedelta(minutes=options.lateness_m)
    return WindowDecider(stores, Decider(correlator), raiser.raise_alerts, clock, lateness, options.home_tenant)
