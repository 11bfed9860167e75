"""Decisions about dead letters and quarantined records: the gateway asks for them, and may publish no page itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.bus import consumers
from aoc_common.bus.jobs import job_handler
from aoc_common.contracts.jobs import DecisionJob
from aoc_common.review import letters, records
from aoc_common.review.deciding import Backends, decide, discard_item
from aoc_common.store.review_queues import Decision, Selection
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_collector.parts.shared import Shared
    from aoc_common.clock import Clock
    from aoc_common.store.review_queues import Item

_log = logs.get(__name__)


def add(shared: Shared) -> None:
    """Add the worker that carries them out."""
    resources = shared.parts.resources
    run = decision_run(Backends(resources.database, resources.js), resources.clock)
    shared.parts.consume(consumers.DECISIONS, job_handler(DecisionJob, run))


def decision_run(backends: Backends, clock: Clock) -> Callable[[DecisionJob], Awaitable[None]]:
    """Carries out decisions. Idempotent: what a delivery before has published is not published by the next one."""

    async def run(job: DecisionJob) -> None:
        now = clock.now().replace(microsecond=0)
        of_letters = job.queue == "dead-letters"
        store, republish = (
            (backends.letters, letters.republish) if of_letters else (backends.quarantine, records.republish)
        )

        async def work(item: Item) -> str | None:
            if job.decision == "discard":
                return await discard_item(store, item, Decision(job.who, job.why, now))
            if item.asked_at is not None and item.asked_at >= job.asked_at:
                return None
            return await republish(backends, item, now)

        chosen = Selection(tenant=job.tenant, keys=job.keys)
        outcome = await decide(store, chosen, work, skip=lambda _: False)
        for key, reason in outcome.left.items():
            await store.note_left(job.tenant, key, reason)
            _log.warning("item.left", tenant=job.tenant, queue=job.queue, item=key, reason=reason)
        _log.info("items.decided", tenant=job.tenant, queue=job.queue, decision=job.decision, items=outcome.done)

    return run
