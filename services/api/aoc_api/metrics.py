"""What the gateway measures, beside what it sees of the others (`aoc_common.telemetry.metrics.MONITOR`)."""

from __future__ import annotations

from typing import Final

from aoc_common.telemetry.metrics import SECONDS, Catalogue

CATALOGUE: Final = Catalogue()

API_REQUESTS = CATALOGUE.counter("aoc_api_requests_total", "Requests to the gateway.", ("method", "route", "status"))
API_SECONDS = CATALOGUE.histogram("aoc_api_request_seconds", "Time to an answer.", ("method", "route"), buckets=SECONDS)
API_LIMITED = CATALOGUE.counter(
    "aoc_api_limited_requests_total", "Requests that were refused since too many came, by whose limit.", ("rate",)
)
API_UNLIMITED = CATALOGUE.counter(
    "aoc_api_unlimited_requests_total", "Requests that were not counted, since the store of the limits is away."
)
API_NOTIFICATIONS = CATALOGUE.counter(
    "aoc_api_notifications_total", "Notifications from Microsoft, by what became of them.", ("sender", "outcome")
)
HTTP_REQUESTS = CATALOGUE.counter("aoc_api_http_requests_total", "Requests for Microsoft's keys.", ("api", "outcome"))
HTTP_SECONDS = CATALOGUE.histogram("aoc_api_http_seconds", "Time to an answer to these.", ("api",), buckets=SECONDS)
AUDIT_ENTRIES = CATALOGUE.counter(
    "aoc_api_audit_entries_total", "Entries of the audit trail that were noted.", ("kind", "outcome")
)
AUDIT_SPOOL = CATALOGUE.gauge("aoc_api_audit_spool_bytes", "Disk taken by entries that may not be stored yet.")
TAIL_READERS = CATALOGUE.gauge("aoc_api_tail_readers", "Readers of the live tail.")
TAIL_ENDED = CATALOGUE.counter("aoc_api_tail_ended_total", "Live tails that the gateway ended, and why.", ("reason",))
EXPORT_JOBS = CATALOGUE.counter(
    "aoc_api_export_jobs_total", "Ends of exports in the background, by what became of them.", ("outcome",)
)

CATALOGUE.export()
