"""No method of a store can be called without saying which tenant it is for, but those that are listed here by hand."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from typing import TYPE_CHECKING, Any, Final

import aoc_common.bus
import aoc_common.contracts
import aoc_common.store
import aoc_common.store.mongo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

#: Parameters that say it.
SAYS: Final = frozenset({"tenant", "scope", "query"})
#: Method, or class or function as a whole -> why it is not about one tenant. What the gateway can call stands here
#: method by method: it serves people of one tenant beside people of another.
OF_THE_INSTALLATION: Final = {
    # What the gateway has at hand.
    "account.MongoAccount.settle": "the collector closes slices of all tenants",
    "account.MongoAccount.waiting": "a count, for the health of the installation",
    "accounts.AccountStore.settle": "see MongoAccount",
    "accounts.AccountStore.waiting": "see MongoAccount",
    "api_key_reading.ApiKeyReading": "see ApiKeyStore",
    "api_keys.ApiKeyStore": "a key can be over several tenants, and is found by what its holder shows; routes check",
    "api_keys.MongoApiKeys": "see ApiKeyStore",
    "audit_heads.AuditHeads.note": "each end names its chain, and that its tenant",
    "audit_heads.AuditHeads.unpublished": "entries about all tenants are brought onto the bus",
    "audit_trail.AuditTrailStore.append": "each entry names its chain, and that its tenant",
    "audit_trail.MongoAuditHeads.note": "see AuditHeads",
    "audit_trail.MongoAuditHeads.tenants": "whose chains there are, for the command line",
    "audit_trail.MongoAuditHeads.unpublished": "see AuditHeads",
    "audit_trail.MongoAuditTrail.append": "see AuditTrailStore",
    "client.check_indexes": "indexes belong to collections",
    "client.check_unique_indexes": "indexes belong to collections",
    "client.drop_index": "indexes belong to collections",
    "client.ensure_indexes": "indexes belong to collections",
    "client.foreign_indexes": "indexes belong to collections",
    "client.is_new": "whether anything was ever stored",
    "client.missing_indexes": "indexes belong to collections",
    "client.ping": "asks the server alone",
    "server_time.server_time": "asks the server alone",
    "indexes.held": "indexes belong to collections",
    "indexes.make": "indexes belong to collections",
    "dead_letters.waiting": "a count, for the health of the installation",
    "event_scans.Scanner.count": "of a scan, whose prefix of an index begins with the tenant (access_paths)",
    "event_scans.Scanner.documents": "of a scan, whose prefix of an index begins with the tenant (access_paths)",
    "server_kinds.server_of": "asks the server alone",
    "event_walk.walk": "along an access path, whose prefixes begin with the tenant",
    "export_jobs.ExportJobStore.bytes_of": "a bound for a person, who can have roles over several tenants",
    "export_jobs.MongoExportJobs.bytes_of": "see ExportJobStore",
    "export_jobs.MongoExportWork": "see ExportWork",
    "export_work.ExportWork.expired": "gateways remove what has expired, whosever it is",
    "export_work.ExportWork.take": "gateways work on the jobs of all tenants, each with its owner's rights",
    "foreign.documents": "of another tool's database, which has no tenants",
    "grants.GrantStore.get": "a grant can be over several tenants: the routes check what it is over",
    "grants.GrantStore.listed": "a grant can be over several tenants: the routes check what each is over",
    "grants.GrantStore.of": "all that somebody was granted, wherever",
    "grants.GrantStore.add": "a grant can be over several tenants: the routes check what it is over",
    "grants.GrantStore.remove": "a grant can be over several tenants: the routes check what it is over",
    "grants.MongoGrants": "see GrantStore",
    "quarantine.waiting": "a count, for the health of the installation",
    "report_keys.KeyRegister": "reports of all tenants are signed with the installation's keys, which are public",
    "report_keys.MongoKeyRegister": "see KeyRegister",
    "sessions.SessionStore": "of a person, who can have roles over several tenants; routes check whose they are",
    "sessions.MongoSessions": "see SessionStore",
    "sessions.MongoSignInLinks": "see SignInLinks",
    "sign_in_links.SignInLinks": "of the operator, found by what a browser shows",
    "sources.MongoSources.by_tenant": "which tenants there are; the gateway shows those that the caller may see",
    "term_edition.MongoTermEdition": "how far the terms of all events were made anew",
    "timeline.Timeline.below": "of a timeline, which is one tenant's",
    "vocabulary.MongoVocabulary.write": "writes what was noted for each tenant",
    # Work of the services on what they themselves have put there, by ids that hold or hash the tenant.
    "alert_census.MongoAlertCensus": "for operators' tools: all alerts of the whole store",
    "alert_groups": "by a hash of tenant, rule and what events have in common",
    "alert_hits.HitStore.known": "by ids of events, which hash the tenant",
    "alert_hits.MongoHits.known": "see HitStore",
    "alert_outbox.AlertOutbox.waiting": "the alerter publishes alerts of all tenants",
    "alerts.AlertStore": "read by ids, which hash the tenant (the gateway reads by a scope); each alert names its own",
    "alerts.MongoAlerts": "see AlertStore",
    "alerts.MongoAlertOutbox.waiting": "see AlertOutbox",
    "backlog": "by the id of a stretch, which names tenant and source",
    "census.MongoCensus": "for operators' tools: counts over the whole store",
    "compare_and_set.compare_and_set": "of filters that name the tenant where what is written has one",
    "compaction.MongoCompaction": "upkeep of all ledgers",
    "window_ends": "timers of the alerter for all tenants; each names its own",
    "copying.copy_all": "a data directory is copied whole",
    "dead_letters": "by the key of a message; decisions name their tenant in the selection",
    "directory.MongoDirectory.changed": "the normalizer reads what has changed for all tenants",
    "directory_names.DirectoryNames.changed": "see MongoDirectory",
    "effects": "by keys of events, which hash the tenant",
    "event_notes.NotesSweep.run": "upkeep of all notes",
    "event_notes.move_notes": "by ids of events, which hash the tenant",
    "event_outline.MongoOutline.write": "writes what was noted for each tenant",
    "event_outline.MongoOutline.write_all": "writes what was noted for each tenant",
    "event_outline.fill": "upkeep of all outlines",
    "event_retention.MongoEventRetention.due": "upkeep of all tenants, each by its own progress",
    "event_versions.MongoEventVersions": "by ids of events, which hash the tenant",
    "events": "by ids of events, which hash the tenant; retention is upkeep of all tenants",
    "exact_times": "by ids of events, each with its tenant",
    "expired.MongoExpired": "upkeep of all ledgers",
    "lease.MongoLease": "of one work of the installation",
    "ledger.MongoLedger": "by ids of slices and pages, which name or hash the tenant",
    "local_expiry.MongoLocalExpiry": "upkeep of all collections",
    "lost_pages": "by ids of slices and pages, which name or hash the tenant",
    "message_log": "all that stands on a stream, for readers of all tenants; a filter names those that are wanted",
    "moved_twins.MovedTwins": "by ids of events, which hash the tenant",
    "notification_routes": "of a route, which administrators of the installation look at",
    "notifications": "of a route, which tells of all tenants; what is written names its tenant",
    "overtaken": "upkeep of all ledgers; each slice names its tenant",
    "page_states.PageStates": "by ids of pages, which hash the tenant",
    "publications": "where in the stream which events stand, of all tenants, for readers of all tenants",
    "published_events": "for readers of all tenants, by entries of the publication log",
    "published.PublishedEvents": "for readers of all tenants, by entries of the publication log",
    "quarantine": "by the key of a record; decisions name their tenant in the selection",
    "readers": "checkpoints of services, which read all tenants",
    "record_ranges.MongoPosition": "made for a tenant",
    "remarks.RemarkStore.since": "the doctor lists what was remarkable in all tenants",
    "remarks.MongoRemarks.since": "the doctor lists what was remarkable in all tenants",
    "review_queues": "by the key of an item; a selection names its tenant, or all for the operator",
    "shares": "limits of Microsoft's are shared by name; the name holds the tenant where the limit is its own",
    "sightings.EventSightings": "by ids of events, which hash the tenant",
    "sink_accounts": "of a sink, which administrators of the installation look at",
    "sink_answers": "by a ticket that only whoever asked has",
    "sink_marks": "of a sink, for the exporter, which reads all tenants",
    "sink_states": "of a sink, which administrators of the installation look at",
    "sink_stretches": "of a sink, for the exporter, which reads all tenants",
    "sinks": "a sink is the installation's",
    "slices.SliceLedger": "by ids of slices, which name tenant and source",
    "stored_terms.MongoStoredTerms": "terms of all events are made anew",
    "sums.MongoSums": "upkeep of all ledgers",
    "tenant_checks.MongoTenantChecks": "by a ticket that only whoever asked has",
    "tenant_data.MongoTenantData": "made for one tenant",
    "tenant_ids.MongoTenantIds": "directory ids of all tenants",
    "tenant_settings.MongoTenantSettings": "the registry of all tenants, for services and administrators; routes check",
    "rules": "rules are the installation's; exceptions name their tenants",
    "twin_links.MongoTwinLinks": "the doctor checks all links",
    "twins": "by ids of events, which hash the tenant",
    "upgrade": "brings the whole store in order",
    "users.create_users": "users belong to the database",
    "versions.EventVersions": "by ids of events, which hash the tenant",
}  # fmt: skip


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


STORES: Final = [*modules(aoc_common.store)]


def methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public coroutine of the stores and their ports, as `module.Class.method` or `module.function`."""
    for module in STORES:
        short = module.__name__.rpartition(".")[2]
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            of_class = vars(value).items() if inspect.isclass(value) else ()
            for method, function in of_class:
                if not method.startswith("_") and _is_asked(function):
                    yield f"{short}.{name}.{method}", function
            if _is_asked(value):
                yield f"{short}.{name}", value


def _is_asked(value: object) -> bool:
    return inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value)


def names_of_what_carries_a_tenant() -> frozenset[str]:
    """Classes that have a tenant of their own."""
    everywhere = [*STORES, *modules(aoc_common.contracts), *modules(aoc_common.bus)]
    return frozenset(
        name
        for module in everywhere
        for name, value in vars(module).items()
        if inspect.isclass(value) and "tenant" in getattr(value, "__annotations__", {})
    )


def listed(name: str) -> str | None:
    """Under which of its names a method is listed."""
    module, _, rest = name.partition(".")
    owner = rest.partition(".")[0]
    return next((one for one in (name, f"{module}.{owner}", module) if one in OF_THE_INSTALLATION), None)


def test_every_method_of_a_store_says_for_which_tenant_or_is_listed_with_its_reason() -> None:
    carriers = names_of_what_carries_a_tenant()
    silent, used, number = [], set(), 0
    for name, function in methods():
        number += 1
        parameters = inspect.signature(function).parameters.values()
        carried = {word for one in parameters for word in re.findall(r"\w+", str(one.annotation))}
        if SAYS.isdisjoint(one.name for one in parameters) and carriers.isdisjoint(carried):
            used.add(entry := listed(name))
            silent += [name] if entry is None else []

    assert silent == []
    assert set(OF_THE_INSTALLATION) - used == set(), "listed, and says for which tenant, or is not there any more"
    assert number > 250
    assert {"Event", "EventQuery", "Lift", "Stretch"} <= carriers | {"EventQuery"}


def test_what_the_gateway_reads_events_by_takes_a_scope() -> None:
    searches = importlib.import_module("aoc_common.store.searches").EventSearch
    counts = importlib.import_module("aoc_common.store.event_counts").EventCounts
    asked = {name: inspect.signature(method).parameters
             for name, method in (vars(searches) | vars(counts)).items() if _is_asked(method)}  # fmt: skip

    assert set(asked) >= {"search", "get", "versions", "facets", "field_values", "count"}
    for name, parameters in asked.items():
        kinds = {str(one.annotation) for one in parameters.values()}
        assert kinds & {"Scope", "EventQuery"}, name
