"""The commands of `aoc`: where each is, and what `aoc --help` says of it.

A module is imported only when its command runs. tests/architecture/test_documented_commands.py compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Command:
    """`target`: its module and function, or its group. `help`: one line, as its docstring begins."""

    target: str
    help: str


#: In the order in which `aoc --help` shows them: groups come last.
COMMANDS: Final[Mapping[str, Command]] = {
    "up": Command(
        "aoc_cli.up:up",
        "Start NATS, MongoDB, a simulated Microsoft 365 and every service; Ctrl-C stops all.",
    ),
    "import": Command(
        "aoc_cli.importing.command:import_",
        "Import exported logs: JSON, NDJSON, CSV, whatever wraps them, also in zip and tar archives and gzipped.",
    ),
    "migrate": Command(
        "aoc_cli.migrate:migrate",
        "Take the records out of the earlier tool's collection, for aoc import. Status 3 when something was left.",
    ),
    "migrate-notes": Command(
        "aoc_cli.migrate_notes:migrate_notes",
        "Put the earlier tool's tags and comments on the events of their records, once these are imported.",
    ),
    "search": Command(
        "aoc_cli.search:search",
        "Search stored events, newest first. Status 1 when nothing is found.",
    ),
    "timeline": Command(
        "aoc_cli.timeline:timeline",
        "Show what somebody did, oldest first, by day: repetitions, pauses and addresses that are new stand out.",
    ),
    "show": Command(
        "aoc_cli.show:show",
        "Show an event in full: who did what to what, what changed, its twin, its versions. Status 1: there is none.",
    ),
    "entity": Command(
        "aoc_cli.entity:entity",
        "Show who or what it is by the directory, when it was first and last seen, and what it did how often.",
    ),
    "export": Command(
        "aoc_cli.export:export",
        "Export all events of a search. The file is there once its count and SHA-256 are what the gateway has noted.",
    ),
    "stats": Command(
        "aoc_cli.stats:stats",
        "Count operations, actors, addresses and countries, and events over time. Status 1 when nothing is found.",
    ),
    "tail": Command(
        "aoc_cli.tail:tail",
        "Show events as they arrive.",
    ),
    "completeness": Command(
        "aoc_cli.completeness:completeness",
        "Show until when each source is complete, its account, its gaps, and what the sinks have delivered.",
    ),
    "sign-in-link": Command(
        "aoc_cli.access.sign_in_link:sign_in_link",
        "Print a link that signs one browser in, once, as who may do everything.",
    ),
    "login": Command(
        "aoc_cli.access.login:login",
        "Sign this terminal in at a gateway, through a browser.",
    ),
    "logout": Command(
        "aoc_cli.access.login:logout",
        "Forget what `aoc login` has stored.",
    ),
    "whoami": Command(
        "aoc_cli.access.whoami:whoami",
        "Show who you are at the gateway, and what you may do there.",
    ),
    "token": Command(
        "aoc_cli.access.whoami:token",
        "Print the token or API key that commands show to the gateway, for curl and scripts. It is a secret.",
    ),
    "doctor": Command(
        "aoc_cli.doctor.command:doctor",
        "Check tenants, permissions, licences, subscriptions, clocks, servers, services, "
        "dead letters, twins, report keys.",
    ),
    "provision": Command(
        "aoc_cli.provision:provision",
        "Make what is missing of streams, consumers and indexes, and bring the rest in order. Services only check.",
    ),
    "backfill": Command(
        "aoc_cli.backfill:backfill",
        "Collect a stretch of time beside the live slices. What is stored already is not stored twice.",
    ),
    "explain": Command(
        "aoc_cli.explain:explain",
        "Show which mapper takes a record, what goes where, and what stays in `unmapped`. Nothing is stored.",
    ),
    "remap": Command(
        "aoc_cli.remap:remap",
        "Map stored records again with the mappers of this version. Events change in place; none is published again.",
    ),
    "verify": Command(
        "aoc_cli.verify.command:verify",
        "Prove that nothing is lost and nothing doubled, against a simulator that misbehaves. Exit status 0 if so.",
    ),
    "bench": Command(
        "aoc_cli.developer:bench",
        "Measure publishing, storing, normalising and the whole way, each against its limit in the same run.",
    ),
    "fuzz": Command(
        "aoc_cli.developer:fuzz",
        "Fuzz the normalizer, guided by coverage; arguments go to bench/fuzz.py: ./aoc fuzz --minutes 30.",
    ),
    "test": Command(
        "aoc_cli.developer:run_tests",
        "Run the tests on real servers: those of the fast lane, or with `--all` every one.",
    ),
    "lint": Command(
        "aoc_cli.developer:lint",
        "Check format, style, types, import rules, generated references and locks.",
    ),
    "docs": Command(
        "aoc_cli.developer:docs",
        "Write the generated references in docs/reference.",
    ),
    "alerts": Command(
        "aoc_cli.alerts:group",
        "Show alerts, and say what became of them.",
    ),
    "audit-trail": Command(
        "aoc_cli.audit_trail:group",
        "What was done at the gateway, and whether all of it is there.",
    ),
    "keys": Command(
        "aoc_cli.reports.command:group",
        "The keys that reports are signed with.",
    ),
    "grants": Command(
        "aoc_cli.grants:group",
        "Who may do what, and who has lifted privacy rules.",
    ),
    "api-keys": Command(
        "aoc_cli.access.api_keys:group",
        "Keys with which machines and scripts use the gateway.",
    ),
    "tenants": Command(
        "aoc_cli.tenancy.command:group",
        "The registry of tenants: list, add, change, pause, delete.",
    ),
    "license": Command(
        "aoc_cli.tenancy.licence:group",
        "Licences for more tenants than one: show what holds here, make a key, issue one.",
    ),
    "rules": Command(
        "aoc_cli.rules.command:group",
        "Rules: list, show, lint, test, apply, export, switch on and off, except from.",
    ),
    "notifications": Command(
        "aoc_cli.notifications:group",
        "Who is told of alerts: list routes, send a test, show what would be said.",
    ),
    "sinks": Command(
        "aoc_cli.sinks:group",
        "Destinations of events: list, show, test, preview, replay, apply, template.",
    ),
    "deadletters": Command(
        "aoc_cli.deadletters:group",
        "Show, retry and discard what services gave up.",
    ),
    "quarantine": Command(
        "aoc_cli.quarantine:group",
        "Show, retry and discard records that could not become events.",
    ),
    "data": Command(
        "aoc_cli.data:group",
        "The files of a data directory.",
    ),
    "maintenance": Command(
        "aoc_cli.maintenance.command:group",
        "Check what is stored, and bring it in order.",
    ),
}
