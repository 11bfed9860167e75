"""What the normalizer measures."""

from __future__ import annotations

from typing import Final

from aoc_common.telemetry.metrics import SECONDS, Catalogue

_BATCH: Final = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500)
_LATENESS: Final = (10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)

CATALOGUE: Final = Catalogue()

PAGES_OF_DELETED = CATALOGUE.counter(
    "aoc_normalizer_pages_of_deleted_tenants_total",
    "Pages that came after their tenant was deleted, and were not stored.",
)

PAGES_NORMALIZED = CATALOGUE.counter("aoc_normalizer_pages_total", "Raw pages handled.", ("outcome",))
PAGES_GONE = CATALOGUE.counter(
    "aoc_normalizer_pages_gone_total",
    "Raw pages that were lost on the bus before they were settled. Collected again where Microsoft still has them.",
    ("tenant", "source"),
)
EVENTS_STORED = CATALOGUE.counter("aoc_normalizer_events_total", "Events by what became of them.", ("outcome",))
EVENTS_MAPPED = CATALOGUE.counter("aoc_normalizer_mapped_total", "Records by the mapper that took them.", ("mapper",))
NAMES = CATALOGUE.counter(
    "aoc_normalizer_names_total", "Ids looked up in the directories, by where they were found.", ("outcome",)
)
EVENTS_RENAMED = CATALOGUE.counter("aoc_normalizer_renamed_total", "Events renewed because an id got its name later.")
TWINS = CATALOGUE.counter(
    "aoc_normalizer_twins_total", "Pairs of records that are one action, by what became of the claim.", ("outcome",)
)
MAPPER_ERRORS = CATALOGUE.counter(
    "aoc_normalizer_mapper_errors_total", "Records that a mapper stumbled over; stored as generic."
)
PUT_ASIDE = CATALOGUE.gauge(
    "aoc_normalizer_put_aside", "What waits for a person: `dead letters`, and records in the `quarantine`.", ("kind",)
)
EVENTS_NOT_UNDERSTOOD = CATALOGUE.counter(
    "aoc_normalizer_not_understood_total", "New events that only the generic mapper could read.", ("source",)
)
EVENTS_UNDATED = CATALOGUE.counter(
    "aoc_normalizer_undated_total", "New events whose records do not say when they happened.", ("source",)
)
RECORDS_QUARANTINED = CATALOGUE.counter(
    "aoc_normalizer_quarantined_total",
    "Records that could not become events, and containers that nobody here can open.",
    ("source",),
)
REMARKS = CATALOGUE.counter(
    "aoc_normalizer_remarks_total",
    "New events whose records have something about them that a person should know, by what (a tag of the event).",
    ("source", "kind"),
)
BATCH_RECORDS = CATALOGUE.histogram("aoc_normalizer_batch_records", "Records in one batch.", buckets=_BATCH)
STAGE_SECONDS = CATALOGUE.histogram(
    "aoc_normalizer_stage_seconds", "Time a batch spends in a stage.", ("stage",), buckets=SECONDS
)
LATENESS_SECONDS = CATALOGUE.histogram(
    "aoc_normalizer_lateness_seconds",
    "From when a new record happened to when it was fetched; without what an outage delayed.",
    ("source",),
    buckets=_LATENESS,
)

CATALOGUE.export()
