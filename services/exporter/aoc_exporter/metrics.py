"""What the exporter measures. `sink` is bounded by the places that sinks have."""

from __future__ import annotations

from typing import Final

from aoc_common.telemetry.metrics import SECONDS, Catalogue

CATALOGUE: Final = Catalogue()

ENTRIES = CATALOGUE.counter(
    "aoc_exporter_entries_total",
    "Entries by what became of them: delivered, filtered, refused, set aside (their destination is away; they are sent "
    "later).",
    ("sink", "outcome"),
)
REPEATS = CATALOGUE.counter(
    "aoc_exporter_repeats_total", "Copies beyond the first that a destination may have.", ("sink",)
)
WAITING = CATALOGUE.gauge("aoc_exporter_waiting", "Messages that a sink has not settled.", ("sink",))
OLDEST_SECONDS = CATALOGUE.gauge(
    "aoc_exporter_oldest_seconds", "For how long the oldest entry of a sink waits; 0 when none does.", ("sink",)
)
BEHIND = CATALOGUE.gauge(
    "aoc_exporter_tenants_behind", "Tenants whose entries are sent later, from the store.", ("sink",)
)
RUNNING = CATALOGUE.gauge("aoc_exporter_sink_running", "1: the sink is well; 0: it fails, or cannot work.", ("sink",))
SEND_SECONDS = CATALOGUE.histogram(
    "aoc_exporter_send_seconds", "Time from a batch of entries to its outcome.", ("sink",), buckets=SECONDS
)
SINKS_UNREADABLE = CATALOGUE.gauge(
    "aoc_exporter_sinks_unreadable", "1: the sinks file, or a sink of the database, cannot be read."
)
CLOCK_AHEAD_SECONDS = CATALOGUE.gauge(
    "aoc_exporter_clock_ahead_seconds",
    "How far this machine's clock is ahead of the database's, by which the exporter goes, seconds.",
)
