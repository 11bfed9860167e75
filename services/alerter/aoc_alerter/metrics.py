"""What the alerter measures."""

from __future__ import annotations

from typing import Final

from aoc_common.telemetry import logs
from aoc_common.telemetry.metrics import SECONDS, Catalogue

_log = logs.get(__name__)

CATALOGUE: Final = Catalogue()

EVENTS = CATALOGUE.counter("aoc_alerter_events_total", "Events that were matched with rules.")
SHORTENED = CATALOGUE.counter(
    "aoc_alerter_shortened_events_total", "Events that were matched as far as the stream takes them."
)
OF_DELETED = CATALOGUE.counter("aoc_alerter_events_of_deleted_total", "Events of tenants that are deleted.")
MATCH_SECONDS = CATALOGUE.histogram(
    "aoc_alerter_match_seconds", "Time to match a batch of events with all rules.", buckets=SECONDS
)
HITS = CATALOGUE.counter("aoc_alerter_hits_total", "Events that a rule has matched, each rule and event once.")
ALERTS = CATALOGUE.counter(
    "aoc_alerter_alerts_total", "Alerts that were raised, by severity, and whether they are about the past.",
    ("severity", "about"),
)  # fmt: skip
PUBLISHED = CATALOGUE.counter("aoc_alerter_published_total", "Revisions of alerts that were published.")
RULES = CATALOGUE.gauge("aoc_alerter_rules", "Rules that are at work, and that cannot be used.", ("state",))
LOAD_SECONDS = CATALOGUE.gauge("aoc_alerter_rules_load_seconds", "Time that it took to load changed rules last.")
FIRST_USES = CATALOGUE.counter(
    "aoc_alerter_first_uses_total",
    "Look-ups of whether somebody did something for the first time: first, again, not in time (told as the first).",
    ("outcome",),
)
COUNTED = CATALOGUE.counter("aoc_alerter_counted_hits_total", "Hits that were noted for correlations.")
CROWDED = CATALOGUE.counter(
    "aoc_alerter_crowded_groups_total", "Looks at groups that had more hits than are looked at: the latest counted."
)
WINDOWS = CATALOGUE.counter(
    "aoc_alerter_window_ends_total", "Stretches of windows that were decided after they were over."
)
CLOSED = CATALOGUE.counter(
    "aoc_alerter_closed_total", "Alerts about what was missing that were closed since it came after all."
)
NOTIFICATIONS = CATALOGUE.counter(
    "aoc_alerter_notifications_total",
    "Notifications of alerts by what became of them: sent, refused (a dead letter), put off (tried again later).",
    ("route", "outcome"),
)
NOTIFICATION_REPEATS = CATALOGUE.counter(
    "aoc_alerter_notification_repeats_total", "Notifications that a destination may have had before.", ("route",)
)
NOTIFICATIONS_WAITING = CATALOGUE.gauge(
    "aoc_alerter_notifications_waiting", "Notifications that wait, those for a digest too.", ("route",)
)
NOTIFICATIONS_TOO_OLD = CATALOGUE.counter(
    "aoc_alerter_notifications_too_old_total", "Revisions of alerts that came too late to tell anybody."
)
NOTIFICATIONS_OLDEST_SECONDS = CATALOGUE.gauge(
    "aoc_alerter_notifications_oldest_seconds", "For how long the oldest of them waits; 0 when none does.", ("route",)
)
NOTIFICATION_ROUTE_WELL = CATALOGUE.gauge(
    "aoc_alerter_notification_route_well", "1: the route is well, paused or closed; 0: it fails.", ("route",)
)
NOTIFY_SECONDS = CATALOGUE.histogram(
    "aoc_alerter_notify_seconds", "Time to send one message.", ("route",), buckets=SECONDS
)
NOTIFICATIONS_UNREADABLE = CATALOGUE.gauge(
    "aoc_alerter_notification_routes_unreadable", "1: the file with routes cannot be read; what was read before stays."
)
CLOCK_STEPS = CATALOGUE.counter(
    "aoc_alerter_clock_steps_total", "Times that the database's clock was seen to be set, by direction.", ("direction",)
)
CLOCK_AHEAD_SECONDS = CATALOGUE.gauge(
    "aoc_alerter_clock_ahead_seconds",
    "How far this machine's clock is ahead of the database's, by which the alerter goes, seconds.",
)


def clock_stepped(seconds: float) -> None:
    """The database's clock was set by so much; it is not believed yet."""
    CLOCK_STEPS.labels("forward" if seconds > 0 else "back").inc()
    _log.warning("clock.stepped", seconds=round(seconds))


class CorrelationWatch:
    """Counts what correlations have to do: a `Watch`."""

    def counted(self, hits: int) -> None:
        """So many hits were noted."""
        COUNTED.inc(hits)

    def crowded(self) -> None:
        """A group had more hits than are looked at."""
        CROWDED.inc()
