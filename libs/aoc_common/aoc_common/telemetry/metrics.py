"""Every metric of the system, in one place. Units are in the names; labels are bounded.

`tenant` is a label only where a person must tell tenants apart to act. `docs/reference/metrics.md` is generated from
`CATALOGUE`.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_BATCH = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500)
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENESS = (10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)

HTTP_REQUESTS = Counter("aoc_collector_http_requests_total", "Requests to Microsoft's APIs.", ("api", "outcome"))
HTTP_SECONDS = Histogram(
    "aoc_collector_http_seconds", "Time to an answer from Microsoft's APIs.", ("api",), buckets=_SECONDS
)
THROTTLE_WAIT_SECONDS = Counter(
    "aoc_collector_throttle_wait_seconds_total", "Time spent waiting for an API's allowance.", ("api",)
)
SLICES = Counter("aoc_collector_slices_total", "Slices run.", ("tenant", "source", "outcome"))
PAGES_PUBLISHED = Counter("aoc_collector_pages_published_total", "Raw pages acknowledged.", ("tenant", "source"))
RECORDS_FETCHED = Counter("aoc_collector_records_total", "Records fetched.", ("tenant", "source"))
BLOBS_FAILED = Counter(
    "aoc_collector_blobs_failed_total",
    "Failed tries to read a content blob: its link cannot be used, it was refused, it could not be reached.",
    ("tenant", "source", "reason"),
)
STRETCHES_PUT_OFF = Counter(
    "aoc_collector_stretches_put_off_total",
    "Times that a stretch of the backlog which cannot be read gave its turn to the others.",
    ("tenant", "source"),
)
CLOCK_JUMPS = Counter(
    "aoc_collector_clock_jumps_total", "Times that the machine's clock was seen to jump, by direction.", ("direction",)
)
POSITIONS_CORRECTED = Counter(
    "aoc_collector_positions_corrected_total",
    "Positions of sources that lay in the future, and were pulled back.",
    ("tenant", "source"),
)
WATERMARK_SECONDS = Gauge(
    "aoc_collector_watermark_timestamp_seconds", "Everything before this is collected.", ("tenant", "source")
)
BACKLOG_SECONDS = Gauge(
    "aoc_collector_backlog_seconds", "Time that is still to be collected beside the live slices.", ("tenant", "source")
)
SOURCE_STATE = Gauge("aoc_collector_source_state", "How a source does: 0 green, 1 yellow, 2 red.", ("tenant", "source"))
EXPIRING_BLOBS = Gauge(
    "aoc_collector_expiring_blobs", "Content that is listed and not fetched yet.", ("tenant", "source")
)
EXPIRY_SECONDS = Gauge(
    "aoc_collector_first_expiry_seconds",
    "Until Microsoft deletes the first content that is not fetched yet; +Inf without any.",
    ("tenant", "source"),
)
DIRECTORY_READS = Counter(
    "aoc_collector_directory_reads_total", "Readings of a kind of a directory.", ("tenant", "kind", "outcome")
)
DIRECTORY_OBJECTS = Counter(
    "aoc_collector_directory_objects_total", "Objects in these readings, by what they told.", ("tenant", "kind", "what")
)
DIRECTORY_ENTITIES = Gauge("aoc_collector_directory_entities", "Entities that are known.", ("tenant", "kind"))
POLLS = Counter("aoc_collector_polls_total", "Looks that notifications asked for.", ("tenant", "source", "outcome"))
SUBSCRIPTIONS = Counter(
    "aoc_collector_subscriptions_total", "What was done to subscriptions.", ("tenant", "kind", "what")
)
SUBSCRIPTION_END = Gauge(
    "aoc_collector_subscription_end_timestamp_seconds", "When a subscription lapses.", ("tenant", "kind")
)

PAGES_NORMALIZED = Counter("aoc_normalizer_pages_total", "Raw pages handled.", ("outcome",))
PAGES_GONE = Counter(
    "aoc_normalizer_pages_gone_total",
    "Raw pages that were lost on the bus before they were settled. Collected again where Microsoft still has them.",
    ("tenant", "source"),
)
EVENTS_STORED = Counter("aoc_normalizer_events_total", "Events by what became of them.", ("outcome",))
EVENTS_MAPPED = Counter("aoc_normalizer_mapped_total", "Records by the mapper that took them.", ("mapper",))
NAMES = Counter(
    "aoc_normalizer_names_total", "Ids looked up in the directories, by where they were found.", ("outcome",)
)
EVENTS_RENAMED = Counter("aoc_normalizer_renamed_total", "Events renewed because an id got its name later.")
TWINS = Counter(
    "aoc_normalizer_twins_total", "Pairs of records that are one action, by what became of the claim.", ("outcome",)
)
MAPPER_ERRORS = Counter("aoc_normalizer_mapper_errors_total", "Records that a mapper stumbled over; stored as generic.")
PUT_ASIDE = Gauge(
    "aoc_normalizer_put_aside", "What waits for a person: `dead letters`, and records in the `quarantine`.", ("kind",)
)
EVENTS_NOT_UNDERSTOOD = Counter(
    "aoc_normalizer_not_understood_total", "New events that only the generic mapper could read.", ("source",)
)
EVENTS_UNDATED = Counter(
    "aoc_normalizer_undated_total", "New events whose records do not say when they happened.", ("source",)
)
REMARKS = Counter(
    "aoc_normalizer_remarks_total",
    "New events whose records have something about them that a person should know, by what (a tag of the event).",
    ("source", "kind"),
)
BATCH_RECORDS = Histogram("aoc_normalizer_batch_records", "Records in one batch.", buckets=_BATCH)
STAGE_SECONDS = Histogram(
    "aoc_normalizer_stage_seconds", "Time a batch spends in a stage.", ("stage",), buckets=_SECONDS
)
LATENESS_SECONDS = Histogram(
    "aoc_normalizer_lateness_seconds",
    "From when a new record happened to when it was fetched; without what an outage delayed.",
    ("source",),
    buckets=_LATENESS,
)

BUS_FAILURES = Counter("aoc_bus_failures_total", "Messages that were not handled.", ("service", "kind"))
BUS_DEAD_LETTERS = Counter("aoc_bus_dead_letters_total", "Messages that were given up.", ("service",))
BUS_HALTED = Gauge("aoc_bus_halted", "1: the service fails at nearly all messages, and gives up none.", ("service",))
BUS_REDELIVERIES = Counter("aoc_bus_redeliveries_total", "Messages delivered again.", ("service",))

BUS_WAITING = Gauge(
    "aoc_bus_waiting", "Messages that were not given to anybody yet (of the gateway's last look).", ("consumer",)
)
BUS_IN_WORK = Gauge("aoc_bus_in_work", "Messages that were given to somebody and are not settled.", ("consumer",))
BUS_REDELIVERED = Gauge("aoc_bus_redelivered", "Of these, messages that were given more than once.", ("consumer",))
BUS_OLDEST_SECONDS = Gauge(
    "aoc_bus_oldest_seconds", "Age of the oldest message of a stream that is not settled; 0 without any.", ("stream",)
)
SERVICE_INSTANCES = Gauge(
    "aoc_service_instances", "Instances by what their heartbeats say: running, silent.", ("service", "life")
)
SERVICE_STILL_SECONDS = Gauge(
    "aoc_service_still_seconds", "For how long a service, or a consumer of it, has stood still; 0: it does not.",
    ("service",),
)  # fmt: skip
LOOK_FAILED = Gauge("aoc_service_look_failed", "1: the bus does not tell what waits and who runs.")

TASK_RUNS = Counter(
    "aoc_task_runs_total", "Runs of periodic work, by outcome: done, failed (a server is away), defect.",
    ("task", "outcome"),
)  # fmt: skip
TASK_SECONDS = Histogram("aoc_task_seconds", "Time that one run of periodic work takes.", ("task",), buckets=_SECONDS)

API_REQUESTS = Counter("aoc_api_requests_total", "Requests to the gateway.", ("method", "route", "status"))
API_SECONDS = Histogram("aoc_api_request_seconds", "Time to an answer.", ("method", "route"), buckets=_SECONDS)
API_NOTIFICATIONS = Counter(
    "aoc_api_notifications_total", "Notifications from Microsoft, by what became of them.", ("sender", "outcome")
)

CATALOGUE = tuple(value for value in list(globals().values()) if isinstance(value, Counter | Gauge | Histogram))
