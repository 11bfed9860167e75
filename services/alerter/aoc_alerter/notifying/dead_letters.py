"""Dead letters of notifications: alerts that a destination will never take, with its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_common.contracts.jobs import NotifyJob
from aoc_common.service.job_letters import JobLetters
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.clock import Clock
    from aoc_common.contracts.notifications import Notification

_log = logs.get(__name__)


class NotificationDeadLetters:
    """Puts them on record. `js`: the bus, once it is connected."""

    def __init__(self, account: DeadLetterRecorder, js: Callable[[], Any], clock: Clock) -> None:
        self._letters = JobLetters("alerter", account, js, clock)

    async def put(self, notification: Notification, words: str) -> None:
        """One notification is given up. Idempotent. Raises `Transient`."""
        route, tenant, alert = notification.route, notification.tenant, str(notification.alert)
        await self._letters.put(NotifyJob(tenant=tenant, route=route, alert=alert), f"route {route}: {words}")
        _log.warning("notification.refused", route=route, tenant=tenant, alert=alert, words=words)
