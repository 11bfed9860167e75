"""The watch over sources: metrics, and a log line a change, of which of them stall, fall silent, or lose content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.errors import AocError
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.judging import State, judge
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.clock import Clock
    from aoc_common.store.accounts import AccountStore
    from aoc_common.store.judging import Bounds, Judgement
    from aoc_common.store.ports import SourceStore

_log = logs.get(__name__)
_LEVELS = {state: level for level, state in enumerate(State)}


class Watch:
    """Judges every source of this collector.

    `throttled`: a tenant -> each of its sources -> the share of answers that were throttled.
    """

    def __init__(
        self,
        sources: Mapping[str, Sequence[str]],
        accounts: AccountStore,
        states: SourceStore,
        throttled: Callable[[str], Mapping[str, float | None]],
        bounds: Bounds,
        clock: Clock,
    ) -> None:
        self._sources = sources
        self._accounts = accounts
        self._states = states
        self._throttled = throttled
        self._bounds = bounds
        self._clock = clock
        self._known: dict[tuple[str, str], State] = {}

    async def run(self, interval_s: float) -> None:
        """Look each interval, until cancelled."""
        while True:
            try:
                await self.look()
            except AocError as error:
                _log.warning("watch.failed", error=str(error))
            await self._clock.sleep(interval_s)

    async def look(self) -> None:
        """Judge every source once. Raises `Transient` when the store is away."""
        for tenant, names in self._sources.items():
            now = self._clock.now()
            accounts = {one.source: one for one in await self._accounts.accounts(tenant, now)}
            for name in names:
                account = accounts.get(name) or SourceAccount(tenant, name)
                self._tell(account, judge(account, self._bounds, now), now)
            await self._states.note_watched(tenant, self._throttled(tenant))

    def _tell(self, account: SourceAccount, judged: Judgement, now: datetime) -> None:
        tenant, source = account.tenant, account.source
        dies = account.first_expiry
        left = float("inf") if dies is None else (dies - now).total_seconds()
        metrics.SOURCE_STATE.labels(tenant, source).set(_LEVELS[judged.state])
        metrics.EXPIRING_BLOBS.labels(tenant, source).set(account.blobs_waiting)
        metrics.EXPIRY_SECONDS.labels(tenant, source).set(left)
        # A source that is green from the beginning is no news.
        before = self._known.get((tenant, source), State.GREEN)
        self._known[tenant, source] = judged.state
        if judged.state is not before:
            tell = _log.info if judged.state is State.GREEN else _log.warning
            tell(
                "source.changed",
                tenant=tenant,
                source=source,
                before=before.value,
                now=judged.state.value,
                reasons=list(judged.reasons),
                next_action=judged.next_action,
            )
