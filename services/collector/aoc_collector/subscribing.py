"""The account of the time for which a subscription did not run.

Of what is created between the end of a subscription and its next start Microsoft gives nothing, ever
(office-365-management-activity-api-reference.md, "Stop a subscription"): the listings of that time are empty, as if
nothing had happened. So it is a permanent gap, from when the subscription was seen running last.

That it does not run is noted before it is started. So neither a crash, nor an answer that is lost after Microsoft has
started it, leaves the gap unnoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.store.losses import LostWindow
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from aoc_collector.sources.base import Subscription
    from aoc_common.clock import Clock
    from aoc_common.store.losses import LossLedger
    from aoc_common.store.source_subscriptions import SourceSubscriptions
    from aoc_common.store.sources import SourceState

_log = logs.get(__name__)

_REASON: Final = "its subscription did not run: Microsoft keeps nothing of what happened between its end and its start"


class Subscriptions:
    """Notes what sources tell of their subscriptions. Every method may raise `Transient`; all may be repeated."""

    def __init__(self, sources: SourceSubscriptions, losses: LossLedger, clock: Clock) -> None:
        self._sources = sources
        self._losses = losses
        self._clock = clock
        #: Noted as not running by this process, and not accounted for yet.
        self._fresh: set[tuple[str, str]] = set()

    async def take(self, tenant: str, source: str, told: Subscription) -> None:
        """What was found of a subscription, or done to it."""
        state = await self._sources.state(tenant, source)
        if told == "stands":
            # Seen running last: at the end of the last slice or later. A source that never succeeded has lost nothing.
            seen = [at for at in (state.position, state.last_success) if at is not None]
            if state.last_success is not None and state.unsubscribed_since is None:
                await self._sources.note_unsubscribed(tenant, source, min(seen))
                self._fresh.add((tenant, source))
            return
        if told == "ran" and (tenant, source) in self._fresh:
            # The list was wrong: nobody else has tried to start it since it was seen running.
            await self._sources.note_unsubscribed(tenant, source, None)
        else:
            await self.lost(state)
        self._fresh.discard((tenant, source))
        if told == "started":
            await self._sources.note_subscribed(tenant, source, self._clock.now())

    async def lost(self, state: SourceState) -> None:
        """A subscription runs: the time for which it did not, if any, is a gap."""
        since = state.unsubscribed_since
        if since is not None:
            now = self._clock.now()
            await self._losses.note_loss(state.tenant, state.source, LostWindow(since, max(now, since), _REASON), now)
            await self._sources.note_unsubscribed(state.tenant, state.source, None)
            _log.error("subscription.stood", tenant=state.tenant, source=state.source, since=str(since))
