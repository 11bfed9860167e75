"""What the collector measures."""

from __future__ import annotations

from typing import Final

from aoc_common.telemetry.metrics import SECONDS, Catalogue

CATALOGUE: Final = Catalogue()

HTTP_REQUESTS = CATALOGUE.counter(
    "aoc_collector_http_requests_total", "Requests to Microsoft's APIs.", ("api", "outcome")
)
HTTP_SECONDS = CATALOGUE.histogram(
    "aoc_collector_http_seconds", "Time to an answer from Microsoft's APIs.", ("api",), buckets=SECONDS
)
THROTTLE_WAIT_SECONDS = CATALOGUE.counter(
    "aoc_collector_throttle_wait_seconds_total", "Time spent waiting for an API's allowance.", ("api",)
)
SLICES = CATALOGUE.counter("aoc_collector_slices_total", "Slices run.", ("tenant", "source", "outcome"))
PAGES_PUBLISHED = CATALOGUE.counter(
    "aoc_collector_pages_published_total", "Raw pages acknowledged.", ("tenant", "source")
)
RECORDS_FETCHED = CATALOGUE.counter("aoc_collector_records_total", "Records fetched.", ("tenant", "source"))
BLOBS_FAILED = CATALOGUE.counter(
    "aoc_collector_blobs_failed_total",
    "Failed tries to read a content blob: its link cannot be used, it was refused, it could not be reached.",
    ("tenant", "source", "reason"),
)
STRETCHES_PUT_OFF = CATALOGUE.counter(
    "aoc_collector_stretches_put_off_total",
    "Times that a stretch of the backlog which cannot be read gave its turn to the others.",
    ("tenant", "source"),
)
CLOCK_JUMPS = CATALOGUE.counter(
    "aoc_collector_clock_jumps_total", "Times that the machine's clock was seen to jump, by direction.", ("direction",)
)
CLOCK_AHEAD_SECONDS = CATALOGUE.gauge(
    "aoc_collector_clock_ahead_seconds",
    "How far the machine's clock is ahead of the date of Microsoft's last answer, seconds. From 30 on, either way, the "
    "dates count.",
)
POSITIONS_CORRECTED = CATALOGUE.counter(
    "aoc_collector_positions_corrected_total",
    "Positions of sources that lay in the future, and were pulled back.",
    ("tenant", "source"),
)
WATERMARK_SECONDS = CATALOGUE.gauge(
    "aoc_collector_watermark_timestamp_seconds", "Everything before this is collected.", ("tenant", "source")
)
BACKLOG_SECONDS = CATALOGUE.gauge(
    "aoc_collector_backlog_seconds", "Time that is still to be collected beside the live slices.", ("tenant", "source")
)
SOURCE_STATE = CATALOGUE.gauge(
    "aoc_collector_source_state", "How a source does: 0 green, 1 yellow, 2 red.", ("tenant", "source")
)
EXPIRING_BLOBS = CATALOGUE.gauge(
    "aoc_collector_expiring_blobs", "Content that is listed and not fetched yet.", ("tenant", "source")
)
EXPIRY_SECONDS = CATALOGUE.gauge(
    "aoc_collector_first_expiry_seconds",
    "Until Microsoft deletes the first content that is not fetched yet; +Inf without any.",
    ("tenant", "source"),
)
DIRECTORY_READS = CATALOGUE.counter(
    "aoc_collector_directory_reads_total", "Readings of a kind of a directory.", ("tenant", "kind", "outcome")
)
DIRECTORY_OBJECTS = CATALOGUE.counter(
    "aoc_collector_directory_objects_total", "Objects in these readings, by what they told.", ("tenant", "kind", "what")
)
DIRECTORY_ENTITIES = CATALOGUE.gauge("aoc_collector_directory_entities", "Entities that are known.", ("tenant", "kind"))
POLLS = CATALOGUE.counter(
    "aoc_collector_polls_total", "Looks that notifications asked for.", ("tenant", "source", "outcome")
)
SUBSCRIPTIONS = CATALOGUE.counter(
    "aoc_collector_subscriptions_total", "What was done to subscriptions.", ("tenant", "kind", "what")
)
SUBSCRIPTION_END = CATALOGUE.gauge(
    "aoc_collector_subscription_end_timestamp_seconds", "When a subscription lapses.", ("tenant", "kind")
)

CATALOGUE.export()
