"""How metrics are declared and exported. Units are in the names; labels are bounded.

Each service has a `metrics` module of its own; here are those of what several services are made with. A process exports
what it measures and nothing else: a catalogue is exported by what measures it, when that is made.

`tenant` is a label only where a person must tell tenants apart to act. `docs/reference/metrics.md` is generated
from all catalogues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

type MetricFamily = Counter | Gauge | Histogram

SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Catalogue:
    """The metric families of one part of the system."""

    def __init__(self) -> None:
        self._families: list[MetricFamily] = []
        self._gauges: list[tuple[Gauge, Sequence[str]]] = []
        self._exported = False

    def __iter__(self) -> Iterator[MetricFamily]:
        return iter(self._families)

    def counter(self, name: str, about: str, labels: Sequence[str] = ()) -> Counter:
        """Declare a counter."""
        return self._declare(Counter(name, about, labels, registry=None))

    def gauge(self, name: str, about: str, labels: Sequence[str] = ()) -> Gauge:
        """Declare a gauge."""
        gauge = self._declare(Gauge(name, about, labels, registry=None))
        self._gauges.append((gauge, labels))
        return gauge

    def histogram(self, name: str, about: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> Histogram:
        """Declare a histogram; `buckets` are upper bounds."""
        return self._declare(Histogram(name, about, labels, buckets=buckets, registry=None))

    def export(self) -> None:
        """Show all of it at this process's /metrics from now on."""
        if not self._exported:
            self._exported = True
            for family in self._families:
                REGISTRY.register(family)

    def forget(self, **labels: str) -> None:
        """Show no gauge with these labels any more: of what is gone, its last value would stand for ever."""
        for gauge, names in self._gauges:
            if labels.keys() <= set(names):
                gauge.remove_by_labels(labels)

    def _declare[F: MetricFamily](self, family: F) -> F:
        self._families.append(family)
        return family


#: Of every service with consumers.
BUS: Final = Catalogue()

BUS_FAILURES = BUS.counter("aoc_bus_failures_total", "Messages that were not handled.", ("service", "kind"))
BUS_DEAD_LETTERS = BUS.counter("aoc_bus_dead_letters_total", "Messages that were given up.", ("service",))
BUS_HALTED = BUS.gauge(
    "aoc_bus_halted", "1: the service fails at nearly all messages, and gives up none.", ("service",)
)
BUS_REDELIVERIES = BUS.counter("aoc_bus_redeliveries_total", "Messages delivered again.", ("service",))

#: Of every service that has a reader.
READER: Final = Catalogue()

READER_EVENTS = READER.counter(
    "aoc_reader_events_total",
    "Messages that a reader has handled, by where they came from: the `stream`, or the `store` (the stream had dropped "
    "them).",
    ("reader", "origin"),
)
READER_HOLES = READER.counter(
    "aoc_reader_holes_total", "Times that a stream lacked what a reader had not read, by why.", ("reader", "reason")
)
READER_LOST = READER.counter(
    "aoc_reader_lost_total",
    "Of a hole, messages that are stored no more (`missing`), and sequences of which nobody has noted what they held "
    "(`unaccounted`).",
    ("reader", "why"),
)
READER_FILLING = READER.gauge(
    "aoc_reader_filling", "1: this replica fills a hole of a reader from the store.", ("reader",)
)

#: What who looks at all services sees of them: the gateway.
MONITOR: Final = Catalogue()

BUS_WAITING = MONITOR.gauge(
    "aoc_bus_waiting", "Messages that were not given to anybody yet (of the gateway's last look).", ("consumer",)
)
BUS_IN_WORK = MONITOR.gauge(
    "aoc_bus_in_work", "Messages that were given to somebody and are not settled.", ("consumer",)
)
BUS_REDELIVERED = MONITOR.gauge(
    "aoc_bus_redelivered", "Of these, messages that were given more than once.", ("consumer",)
)
BUS_OLDEST_SECONDS = MONITOR.gauge(
    "aoc_bus_oldest_seconds", "Age of the oldest message that is not settled, of streams which settled ones leave.",
    ("stream",),
)  # fmt: skip
SERVICE_INSTANCES = MONITOR.gauge(
    "aoc_service_instances", "Instances by what their heartbeats say: running, silent.", ("service", "life")
)
SERVICE_STILL_SECONDS = MONITOR.gauge(
    "aoc_service_still_seconds", "For how long a service, or a consumer of it, has stood still; 0: it does not.",
    ("service",),
)  # fmt: skip
LOOK_FAILED = MONITOR.gauge("aoc_service_look_failed", "1: the bus does not tell what waits and who runs.")

#: Of every process with periodic work.
TASKS: Final = Catalogue()

TASK_RUNS = TASKS.counter(
    "aoc_task_runs_total", "Runs of periodic work, by outcome: done, failed (a server is away), defect.",
    ("task", "outcome"),
)  # fmt: skip
TASK_SECONDS = TASKS.histogram(
    "aoc_task_seconds", "Time that one run of periodic work takes.", ("task",), buckets=SECONDS
)
