"""Dead letters of notifications: alerts that a destination will never take, with its own words.

A letter is of a job, "tell this alert by this route": who decides to retry it puts that job on the bus, and no other
reader of AOC_ALERTS sees the alert a second time.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from aoc_common.bus.dead_letters import copy_of
from aoc_common.bus.publish import publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.contracts.jobs import NotifyJob
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.clock import Clock
    from aoc_common.contracts.notifications import Notification

_log = logs.get(__name__)
_SERVICE: Final = "alerter"


class Letters:
    """Puts dead letters on record, and copies them to AOC_DLQ. `js`: the bus, once it is connected."""

    def __init__(self, account: DeadLetterRecorder, js: Callable[[], Any], clock: Clock) -> None:
        self._account = account
        self._js = js
        self._clock = clock

    async def put(self, notification: Notification, words: str) -> None:
        """One notification is given up. Idempotent. Raises `Transient`."""
        letter = self._letter(notification, words)
        recorded = await self._account.put(letter)
        [ack] = await publish_all(self._js(), subjects.DLQ_STREAM, [copy_of(letter)])
        if not recorded:
            await self._account.copied(letter, ack.seq)
        metrics.BUS_DEAD_LETTERS.labels(_SERVICE).inc()
        _log.warning(
            "notification.refused",
            route=notification.route,
            tenant=notification.tenant,
            alert=str(notification.alert),
            words=words,
        )

    def _letter(self, one: Notification, words: str) -> DeadLetter:
        job = NotifyJob(tenant=one.tenant, route=one.route, alert=str(one.alert))
        named = blake2b(job.subject.encode(), digest_size=12).hexdigest()
        return DeadLetter(
            key=f"{_SERVICE}-{named}",
            service=_SERVICE,
            tenant=one.tenant,
            source="",
            slice_id="",
            stream=subjects.JOBS_STREAM,
            sequence=0,
            subject=job.subject,
            reason=f"route {one.route}: {words}",
            headers={"Aoc-Tenant": one.tenant},
            body=job.model_dump_json().encode(),
            at=self._clock.now(),
        )
