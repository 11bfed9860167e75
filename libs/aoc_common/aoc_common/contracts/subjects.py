"""Every stream and subject of the system, in one table.

`{tenant}` and `{source}` are single subject tokens (see `TENANT_PATTERN`), so a downstream tool can subscribe to, say,
`aoc.events.contoso.>` or `aoc.events.*.graph-signins.3002`.
"""

from __future__ import annotations

import re
from typing import Final
from zlib import crc32

from aoc_common.errors import Malformed

RAW_STREAM: Final = "AOC_RAW"
EVENTS_STREAM: Final = "AOC_EVENTS"
ALERTS_STREAM: Final = "AOC_ALERTS"
AUDIT_STREAM: Final = "AOC_AUDIT"
JOBS_STREAM: Final = "AOC_JOBS"
DLQ_STREAM: Final = "AOC_DLQ"
BEATS_STREAM: Final = "AOC_BEATS"
#: Holds what waits while `aoc provision --migrate` makes AOC_RAW anew.
MOVING_STREAM: Final = "AOC_RAW_MOVING"

DEFAULT_TENANT: Final = "default"
TENANT_PATTERN: Final = r"^[a-z0-9-]{1,40}$"

#: Parts into which tenants are divided on AOC_RAW. Each has a consumer of its own, so that what one tenant has waiting
#: holds up the tenants of its own part at most. Changing it takes `aoc provision --migrate`.
PARTITIONS: Final = 16

#: The source of records that came from a file.
IMPORT_SOURCE: Final = "import"

#: No tenant can have this name.
_INSTALLATION: Final = "_installation"

_TENANT = re.compile(TENANT_PATTERN)
_TOKEN = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_RAW_TOKENS: Final = 5
_EVENT_TENANT: Final = 2
_TENANT_TOKEN: Final = 3


def check_tenant(tenant: str) -> str:
    """Return `tenant` when it is a slug of `[a-z0-9-]{1,40}`; raise `Malformed` when not."""
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise Malformed(f"tenant {tenant!r}: expected 1 to 40 of a-z, 0-9 and -")
    return tenant


def _token(value: str, what: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise Malformed(f"{what} {value!r}: expected 1 to 64 letters, digits, - and _")
    return value


def raw(tenant: str, source: str) -> str:
    """One page of records as Microsoft sent it: `aoc.raw.{partition}.{tenant}.{source}`.

    What is imported is in a part of its own, so that a large import does not hold up what is collected.
    """
    return f"aoc.raw.{partition(check_tenant(tenant), source)}.{tenant}.{_token(source, 'source')}"


def partition(tenant: str, source: str) -> int:
    """The part of AOC_RAW in which a source of a tenant is."""
    owner = f"{tenant}/{source}" if source == IMPORT_SOURCE else tenant
    return crc32(owner.encode()) % PARTITIONS


def raw_of_partition(number: int) -> str:
    """All pages of one part."""
    return f"aoc.raw.{number}.>"


def owner(subject: str) -> tuple[str, str]:
    """Tenant and source that a subject names, unchecked; empty where it names none.

    `aoc.events.{tenant}.{source}.{class_uid}`; `aoc.raw.{partition}.{tenant}.{source}` and
    `aoc.jobs.{kind}.{tenant}.{source}` have a token more before them.
    """
    tokens = subject.split(".")
    first = _EVENT_TENANT if subject.startswith(("aoc.events.", "aoc.alerts.")) else _TENANT_TOKEN
    tenant, source, *_ = [*tokens[first : first + 2], "", ""]
    return tenant, source


def raw_of_tenant(tenant: str) -> str:
    """All pages of one tenant."""
    return f"aoc.raw.*.{check_tenant(tenant)}.*"


def tenant_and_source(subject: str) -> tuple[str, str]:
    """Whose page a subject of AOC_RAW is for. Raises `Malformed` for a subject that `raw` does not make."""
    parts = subject.split(".")
    if len(parts) == _RAW_TOKENS:
        tenant, source = parts[3], parts[4]
        if subject == raw(tenant, source):
            return tenant, source
    raise Malformed(f"{subject[:200]!r} is no subject of a raw page")


def mark(page: str, number: int) -> str:
    """The message on AOC_EVENTS which proves that a batch of a page's events is there (see `bus.atomic`)."""
    return f"aoc.marks.{_token(page, 'page')}.{number}"


def marks_of(page: str) -> str:
    """All of a page's marks."""
    return f"aoc.marks.{_token(page, 'page')}.*"


def events(tenant: str, source: str, class_uid: int) -> str:
    """One normalised event."""
    return f"aoc.events.{check_tenant(tenant)}.{_token(source, 'source')}.{class_uid}"


def alerts(tenant: str, severity: str) -> str:
    """One alert, created or changed."""
    return f"aoc.alerts.{check_tenant(tenant)}.{_token(severity, 'severity')}"


def audit(tenant: str | None) -> str:
    """One entry of AOC's own audit trail about a tenant; None: about none of them (`aoc.audit._installation`)."""
    return f"aoc.audit.{_INSTALLATION if tenant is None else check_tenant(tenant)}"


def of_tenant(stream: str, tenant: str) -> str:
    """All of a tenant's messages on AOC_ALERTS or AOC_AUDIT."""
    return f"aoc.alerts.{check_tenant(tenant)}.*" if stream == ALERTS_STREAM else audit(tenant)


def tenant_of_message(subject: str) -> str:
    """Whose a message of AOC_ALERTS or AOC_AUDIT is, unchecked; `_installation`: nobody's."""
    return subject.split(".")[_EVENT_TENANT]


def collect_job(tenant: str, source: str) -> str:
    """The one job for a live slice that a source may have at a time."""
    return f"aoc.jobs.collect.{check_tenant(tenant)}.{_token(source, 'source')}"


def backlog_job(tenant: str, source: str) -> str:
    """The one job for the backlog of a source that there may be at a time."""
    return f"aoc.jobs.backlog.{check_tenant(tenant)}.{_token(source, 'source')}"


def directory_job(tenant: str) -> str:
    """The one job to bring a tenant's directory up to date that there may be at a time."""
    return f"aoc.jobs.directory.{check_tenant(tenant)}"


def poll_job(tenant: str, source: str) -> str:
    """The one request to look at a source now that there may be at a time."""
    return f"aoc.jobs.poll.{check_tenant(tenant)}.{_token(source, 'source')}"


def subscription_job(tenant: str, what: str) -> str:
    """Work on a tenant's subscriptions: on `all` of them, or on the one with that id."""
    return f"aoc.jobs.subscriptions.{check_tenant(tenant)}.{_token(what, 'what')}"


def backfill_job(tenant: str, source: str, span: str) -> str:
    """A request to collect a stretch of time, named by `span`."""
    return f"aoc.jobs.backfill.{check_tenant(tenant)}.{_token(source, 'source')}.{_token(span, 'span')}"


def dead_letter(service: str, tenant: str) -> str:
    """What a service could not handle."""
    return f"aoc.dlq.{_token(service, 'service')}.{check_tenant(tenant)}"


def beat(service: str, instance: str) -> str:
    """The last sign of life of one running instance of a service."""
    return f"aoc.beats.{_token(service, 'service')}.{_token(instance, 'instance')}"


def tenant_change(tenant: str) -> str:
    """That a tenant's settings have changed. On no stream: services look by themselves too."""
    return f"aoc.changes.tenants.{check_tenant(tenant)}"


def check_job(tenant: str) -> str:
    """The one request to check a tenant's settings that there may be at a time."""
    return f"aoc.jobs.check.{check_tenant(tenant)}"


def decision_job(tenant: str, what: str) -> str:
    """A decision about dead letters or quarantined records, named by a digest of `what` was decided."""
    return f"aoc.jobs.decide.{check_tenant(tenant)}.{_token(what, 'what')}"


def sink_job(ticket: str) -> str:
    """Something that is asked of an exporter about a sink; the answer is stored under the ticket."""
    return f"aoc.jobs.sinks.{_INSTALLATION}.{_token(ticket, 'ticket')}"


def export_job(tenant: str, sink: str, key: str) -> str:
    """One entry of a tenant that is to be sent to a sink once more."""
    return f"aoc.jobs.export.{check_tenant(tenant)}.{_token(sink, 'sink')}.{_token(key, 'entry')}"


def notification_job(ticket: str) -> str:
    """Something that is asked of an alerter about a route of notifications; the answer is stored under the ticket."""
    return f"aoc.jobs.notifications.{_INSTALLATION}.{_token(ticket, 'ticket')}"


def notify_job(tenant: str, route: str, alert: str) -> str:
    """An alert of a tenant that is to be told by a route once more."""
    return f"aoc.jobs.notify.{check_tenant(tenant)}.{_token(route, 'route')}.{_token(alert, 'alert')}"


ALL_RAW: Final = "aoc.raw.*.*.*"
ALL_EVENTS: Final = "aoc.events.*.*.*"
ALL_MARKS: Final = "aoc.marks.*.*"
ALL_ALERTS: Final = "aoc.alerts.*.*"
ALL_AUDIT: Final = "aoc.audit.*"
ALL_JOBS: Final = "aoc.jobs.>"
ALL_COLLECT_JOBS: Final = "aoc.jobs.collect.*.*"
ALL_BACKLOG_JOBS: Final = "aoc.jobs.backlog.*.*"
ALL_DIRECTORY_JOBS: Final = "aoc.jobs.directory.*"
ALL_POLL_JOBS: Final = "aoc.jobs.poll.*.*"
ALL_SUBSCRIPTION_JOBS: Final = "aoc.jobs.subscriptions.*.*"
ALL_BACKFILL_JOBS: Final = "aoc.jobs.backfill.*.*.*"
ALL_DEAD_LETTERS: Final = "aoc.dlq.*.*"
ALL_BEATS: Final = "aoc.beats.*.*"
ALL_CHECK_JOBS: Final = "aoc.jobs.check.*"
ALL_DECISION_JOBS: Final = "aoc.jobs.decide.*.*"
ALL_SINK_JOBS: Final = "aoc.jobs.sinks.*.*"
ALL_EXPORT_JOBS: Final = "aoc.jobs.export.*.*.*"
ALL_NOTIFICATION_JOBS: Final = "aoc.jobs.notifications.*.*"
ALL_NOTIFY_JOBS: Final = "aoc.jobs.notify.*.*.*"
ALL_TENANT_CHANGES: Final = "aoc.changes.tenants.*"
