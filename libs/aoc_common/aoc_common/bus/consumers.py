"""Every durable consumer of the system, in one table. `provision` makes them; a service takes its own from here."""

from __future__ import annotations

from typing import Final

from aoc_common.bus.consume import Consumer
from aoc_common.bus.readers import Reader
from aoc_common.contracts import subjects

#: One for each part of AOC_RAW: a work queue gives a message to one consumer only, so their filters must not overlap.
NORMALIZER: Final = tuple(
    Consumer(
        service="normalizer",
        stream=subjects.RAW_STREAM,
        subject=subjects.raw_of_partition(number),
        durable=f"normalizer-{number}",
        batch=1,
    )
    for number in range(subjects.PARTITIONS)
)


#: A slice may take its time, and an API may ask for quiet.
_JOB_S: Final = 1_800.0


def _jobs(durable: str, subject: str) -> Consumer:
    return Consumer(
        service="collector",
        stream=subjects.JOBS_STREAM,
        subject=subject,
        durable=durable,
        batch=1,
        max_pending=10_000,
        still_after_s=_JOB_S,
        of_sources=True,
    )


COLLECT: Final = _jobs("collector", subjects.ALL_COLLECT_JOBS)
#: Of their own: however long the backlog is, live slices never wait for it.
BACKLOG: Final = _jobs("collector-backlog", subjects.ALL_BACKLOG_JOBS)
BACKFILL: Final = _jobs("collector-backfill", subjects.ALL_BACKFILL_JOBS)
DIRECTORY: Final = _jobs("collector-directory", subjects.ALL_DIRECTORY_JOBS)
POLLS: Final = _jobs("collector-polls", subjects.ALL_POLL_JOBS)
SUBSCRIPTIONS: Final = _jobs("collector-subscriptions", subjects.ALL_SUBSCRIPTION_JOBS)
CHECKS: Final = _jobs("collector-checks", subjects.ALL_CHECK_JOBS)
DECISIONS: Final = _jobs("collector-decisions", subjects.ALL_DECISION_JOBS)

#: What is asked of an exporter about a sink, and what is to be sent once more.
SINK_JOBS: Final = Consumer(
    service="exporter",
    stream=subjects.JOBS_STREAM,
    subject=subjects.ALL_SINK_JOBS,
    durable="exporter-jobs",
    batch=1,
    still_after_s=120.0,
)
EXPORT_JOBS: Final = Consumer(
    service="exporter",
    stream=subjects.JOBS_STREAM,
    subject=subjects.ALL_EXPORT_JOBS,
    durable="exporter-again",
    batch=1,
    max_pending=10_000,
    still_after_s=_JOB_S,
    of_sources=True,
)

#: All alerts, from the first one on; what was published long ago is told nobody.
NOTIFIER: Final = Reader("alerter", "alerter-notifications", batch=200, stream=subjects.ALERTS_STREAM)
#: What is asked about a route of notifications, and what is to be told once more.
NOTIFICATION_JOBS: Final = Consumer(
    service="alerter",
    stream=subjects.JOBS_STREAM,
    subject=subjects.ALL_NOTIFICATION_JOBS,
    durable="alerter-questions",
    batch=1,
    still_after_s=120.0,
)
NOTIFY_JOBS: Final = Consumer(
    service="alerter",
    stream=subjects.JOBS_STREAM,
    subject=subjects.ALL_NOTIFY_JOBS,
    durable="alerter-again",
    batch=1,
    max_pending=10_000,
)

#: All that the stream holds is looked at when the alerter comes: what is old by then is marked, and notifies nobody.
ALERTER: Final = Reader(service="alerter", name="alerter", begin="beginning")

#: Who must not lose. Each has a checkpoint beside its consumer.
READERS: Final[tuple[Reader, ...]] = (ALERTER, NOTIFIER)

ALL: Final = (
    *NORMALIZER, COLLECT, BACKLOG, BACKFILL, DIRECTORY, POLLS, SUBSCRIPTIONS, CHECKS, DECISIONS,
    SINK_JOBS, EXPORT_JOBS, NOTIFICATION_JOBS, NOTIFY_JOBS,
    *(reader.consumer for reader in READERS),
)  # fmt: skip
