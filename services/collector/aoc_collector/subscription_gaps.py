"""Gaps of the time for which a subscription did not run.

Of what is created between the end of a subscription and its next start Microsoft offers nothing, ever
(office-365-management-activity-api-reference.md, "Stop a subscription"): the listings of that time are empty, as if
nothing had happened. So it is a permanent gap, from when the subscription was last seen running.

That it does not run is noted before it is started, so neither a crash nor a lost answer of Microsoft leaves the gap
unnoted.
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


class SubscriptionGaps:
    """Notes the states of subscriptions that sources report. Every method may raise `Transient` and is idempotent."""

    def __init__(self, sources: SourceSubscriptions, losses: LossLedger, clock: Clock) -> None:
        self._sources = sources
        self._losses = losses
        self._clock = clock
        #: (tenant, source) that this process noted as not running, and whose gap is not noted yet.
        self._unaccounted: set[tuple[str, str]] = set()

    async def observe(self, tenant: str, source: str, observed: Subscription) -> None:
        """Note the state of a subscription, or what was done to it."""
        state = await self._sources.state(tenant, source)
        if observed == "stopped":
            # Last seen running: at the end of the last slice or later. A source that never succeeded has lost nothing.
            seen = [at for at in (state.position, state.last_success) if at is not None]
            if state.last_success is not None and state.unsubscribed_since is None:
                await self._sources.note_unsubscribed(tenant, source, min(seen))
                self._unaccounted.add((tenant, source))
            return
        if observed == "was-running" and (tenant, source) in self._unaccounted:
            # Microsoft's list was wrong: no other replica has tried to start it since it was seen running.
            await self._sources.note_unsubscribed(tenant, source, None)
        else:
            await self.close(state)
        self._unaccounted.discard((tenant, source))
        if observed == "started":
            await self._sources.note_subscribed(tenant, source, self._clock.now())

    async def close(self, state: SourceState) -> None:
        """A subscription runs: note the time for which it did not, if any, as a gap."""
        since = state.unsubscribed_since
        if since is not None:
            now = self._clock.now()
            await self._losses.note_loss(state.tenant, state.source, LostWindow(since, max(now, since), _REASON), now)
            await self._sources.note_unsubscribed(state.tenant, state.source, None)
            _log.error("subscription.stood", tenant=state.tenant, source=state.source, since=str(since))
