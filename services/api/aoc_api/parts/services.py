"""What the routes work with: stores, probes, admission, jobs on the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_api.access.grants import Grants
from aoc_api.access.policy import AccessPolicy
from aoc_api.access.privacy import Privacy
from aoc_api.admission import Admission
from aoc_api.alert_notifications import make_alert_notifications
from aoc_api.alert_work import AlertWork
from aoc_api.audit.changes import change_recorder
from aoc_api.bulk_tokens import BulkTokens
from aoc_api.cursors import Cursors, cursor_key
from aoc_api.deps import Services
from aoc_api.entra.discovery import ANSWER_BYTES
from aoc_api.job_requests import job_publisher
from aoc_api.parts.access import MakeAccess, written_at_the_end
from aoc_api.parts.audit import auditing
from aoc_api.parts.exports import MakeExports
from aoc_api.parts.hooks import make_verifier
from aoc_api.parts.tail import make_tail
from aoc_api.parts.tenants import administration, combined, licence_probe, tenants_file
from aoc_api.parts.tokens import make_client
from aoc_api.ranges import DefaultRange
from aoc_api.rates.throttle import Throttle
from aoc_api.rates.token_buckets import TokenBuckets
from aoc_api.rule_work import RuleWork
from aoc_api.single_flight import SingleFlight
from aoc_api.sinks import make_sinks
from aoc_api.tail.places import Places
from aoc_api.tenant_checks import tenant_checker
from aoc_api.ticket_systems import TicketWork, ticket_systems
from aoc_common import http
from aoc_common.bus.broker import connected, connection
from aoc_common.bus.lag import BusState, bus_state
from aoc_common.bus.tenant_changes import hearing
from aoc_common.clock import StoredClock
from aoc_common.errors import Unreachable
from aoc_common.service import probes, tasks
from aoc_common.service.heartbeat import beating
from aoc_common.service.resources import connecting
from aoc_common.service.shared_time import LOOK_S, SharedTime
from aoc_common.service.standstill_monitor import StandstillMonitor
from aoc_common.service.tasks import Task
from aoc_common.store.hints import Hints
from aoc_common.store.mongo import dead_letters, quarantine
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.alerts import MongoAlerts, MongoAlertSearch
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.break_glass import MongoBreakGlass
from aoc_common.store.mongo.case_span import case_span
from aoc_common.store.mongo.client import check_known, connect, ping
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_notes import MongoEventNotes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.grants import MongoGrants
from aoc_common.store.mongo.privacy_rules import MongoPrivacyRules
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from aoc_common.store.mongo.rules import MongoRules
from aoc_common.store.mongo.saved_searches import MongoSavedSearches
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.tenant_checks import MongoTenantChecks
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from aoc_common.telemetry import logs
from aoc_common.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

    from aoc_api.settings import ApiSettings

_log = logs.get(__name__)
#: Seconds. Less than Microsoft waits for an answer to a notification.
_KEYS_TIMEOUT_S: Final = 1.5
#: Seconds that the database may take for anything that is asked here; no answer is waited for any longer.
_ANSWER_S: Final = 10.0
#: Seconds that it may take for a probe: less than these are waited for.
_PROBE_S: Final = 1.0
#: Seconds between two looks at the database: while it is away, requests are refused at once, and soon served again.
_WATCH_S: Final = 2.0
#: Seconds for which an answer about the servers is cached.
_HEALTH_S: Final = 1.0
#: Seconds between two looks at what tenants hide.
_RULES_S: Final = 30.0

type Running = Callable[[], AbstractAsyncContextManager[Services]]
"""What the routes work with, connected; leaving closes it."""


def make_services(settings: ApiSettings) -> Running:
    """Also while NATS or MongoDB is away. Raises `BadConfiguration` for a secret or file that is not there."""
    # What people do to alerts and rules is compared with what the alerter does, which goes by the database's time.
    time = SharedTime()
    clock = StoredClock(time.clock)
    key, verifier = cursor_key(settings.api.cursor_key), make_verifier(settings.webhooks, clock)
    make_access, systems = MakeAccess(settings.api, clock), ticket_systems(settings.api.ticket_systems)
    file = tenants_file(settings, clock)

    @asynccontextmanager
    async def running() -> AsyncIterator[Services]:
        async with (
            connect(settings.mongo, _ANSWER_S, _WATCH_S) as database,
            # Scans say themselves how long each of them may take.
            connect(settings.mongo) as searched,
            connect(settings.mongo, _PROBE_S) as probed,
            http.make_client(timeout_s=_KEYS_TIMEOUT_S, answer_bytes=ANSWER_BYTES) as client,
            make_client() as sign_in_client,
            connecting(settings.nats, "api") as broker,
            beating(broker, "api", Pulse()),
            AsyncExitStack() as entered,
            auditing(settings.api.audit, database, broker, clock) as trail,
        ):
            monitor = StandstillMonitor(partial(_look, broker), clock)
            registry = combined(file, database, clock)
            await entered.enter_async_context(hearing(broker, registry.stored.wake))
            alerts = AlertWork(MongoAlertSearch(database), MongoAlerts(database, None))
            lifts, grant_store = MongoBreakGlass(database), MongoGrants(database)
            privacy = Privacy(registry, MongoPrivacyRules(database), lifts, clock)
            grants = Grants(grant_store, registry, settings.api.auth.home_tenants, clock)
            throttle = Throttle(TokenBuckets(clock), settings.api.rates, clock)
            access = make_access(database, sign_in_client, registry, grants, throttle)
            search, admission = make_event_search(database, scanned=searched), Admission(settings.api.limits)
            policy = AccessPolicy(privacy.groups_of, privacy.hidden_from)
            make_exports = MakeExports(search, admission, policy, access.owner_now, trail)
            exports, in_background, exporting = make_exports(database, settings.api.export_jobs, clock)
            work = [
                *exporting,
                Task("lookout", monitor.pause_s, monitor.look, jitter=0),
                Task("privacy", _RULES_S, privacy.remember),
                Task("clock", LOOK_S, partial(time.look, probed), jitter=0),
                *access.tasks,
            ]
            async with written_at_the_end(access), in_background.stopped_at_the_end(), tasks.running(work, clock):
                if settings.api.cursor_key is None:
                    hint = "set AOC_API__CURSOR_KEY so that cursors outlive a restart"
                    _log.warning("cursor_key.generated", hint=hint)
                _log.info("service.started")
                yield Services(
                    search=search,
                    exports=exports,
                    counts=search,
                    tail=make_tail(broker, database, search, Places(key), settings.api.tail, clock),
                    hints=Hints(search, MongoVocabulary(database), MongoSources(database).by_tenant),
                    directory=MongoDirectoryHistory(database),
                    saved_searches=MongoSavedSearches(database),
                    incomplete_before=MongoTermEdition(database).incomplete_before,
                    default_range=DefaultRange(partial(case_span, database)),
                    accounts=MongoAccount(database),
                    account_reads=SingleFlight(),
                    keys=MongoKeyRegister(database),
                    cursors=Cursors(key),
                    throttle=throttle,
                    check_store=partial(check_known, database),
                    authenticate=access.authenticate,
                    reauthenticate=access.authenticate.reauthenticate,
                    key_verification=access.key_verification,
                    sessions=access.sessions,
                    sign_in=access.sign_in,
                    links=access.links,
                    api_keys=access.api_keys,
                    ways=access.ways,
                    monitoring=access.monitoring,
                    policy=policy,
                    grants=grants,
                    grant_store=grant_store,
                    privacy=privacy,
                    break_glass=lifts,
                    review={"dead-letters": MongoDeadLetters(database), "quarantine": MongoQuarantine(database)},
                    record_change=change_recorder(trail, clock),
                    notes=MongoEventNotes(database, clock),
                    alerts=alerts,
                    tickets=TicketWork(alerts),
                    ticket_systems=systems,
                    rules=RuleWork(
                        MongoRules(database),
                        clock,
                        home=settings.alerter.home_tenant is not None,
                        lateness=timedelta(minutes=settings.alerter.lateness_m),
                    ),
                    bulk_tokens=BulkTokens(key),
                    audit=trail,
                    audit_entries=MongoAuditTrail(database),
                    options=settings.api,
                    probes={
                        "nats": probes.bus(broker),
                        "mongo": partial(ping, probed),
                        "dead_letters": partial(dead_letters.waiting, probed),
                        "quarantine": partial(quarantine.waiting, probed),
                        "services": monitor.probe,
                        "licence": licence_probe(settings, registry, clock),
                    },
                    probe_runs=SingleFlight(_HEALTH_S),
                    still=monitor.standstills,
                    admission=admission,
                    clock=clock,
                    publish_jobs=job_publisher(broker),
                    registry=registry,
                    tenants=administration(settings, registry, database, broker, clock),
                    check_tenant=tenant_checker(broker, MongoTenantChecks(database, clock), clock),
                    sinks=make_sinks(broker, database, clock),
                    notifications=make_alert_notifications(broker, database, clock),
                    verifier=verifier(client, registry) if verifier else None,
                )

    return running


async def _look(broker: NatsBroker) -> BusState:
    if not connected(broker):
        raise Unreachable("the bus is not connected")
    return await bus_state(connection(broker))
