"""The watch over sources: metrics, and a log line a change, of which of them stall, fall silent, or lose content.

A look costs one query for the states of all sources and one for the content that waits. Whole accounts, which tell
whether a source fell silent, are read an hour of each tenant, tenants in turn, and at once where one is silent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zlib import crc32

from aoc_collector import metrics
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.arrivals import Recently
from aoc_common.store.source_health import State, judge
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.clock import Clock
    from aoc_common.store.accounts import AccountStore, Waiting
    from aoc_common.store.source_health import Bounds, Judgement
    from aoc_common.store.source_watch import SourceWatch
    from aoc_common.store.sources import SourceState

_log = logs.get(__name__)
_LEVELS = {state: level for level, state in enumerate(State)}
#: How long a tenant's account tells of silence. Silence is judged by the hour.
_ACCOUNTED: Final = timedelta(hours=1)
#: Throttled shares that differ by less are the same.
_SAME: Final = 0.01
_NOTHING: Final = Recently()


class Watch:
    """Judges every source of this collector.

    `throttled`: a tenant -> each of its sources -> the share of answers that were throttled.
    """

    def __init__(
        self,
        sources: Mapping[str, Sequence[str]],
        accounts: AccountStore,
        states: SourceWatch,
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
        self._due: dict[str, datetime] = {}
        self._recently: dict[tuple[str, str], Recently] = {}
        self._noted: dict[str, Mapping[str, float | None]] = {}

    async def look(self) -> None:
        """Judge every source once. Raises `Transient` when the store is away."""
        now = self._clock.now()
        states = {(one.tenant, one.source): one for one in await self._states.all_states(None)}
        waiting = await self._accounts.waiting()
        for tenant, names in self._sources.items():
            await self._account(tenant, names, now)
            for name in names:
                account = _brief(tenant, name, states.get((tenant, name)), waiting.get((tenant, name)))
                account = replace(account, recently=self._recently.get((tenant, name), account.recently))
                self._tell(account, judge(account, self._bounds, now), now)
            await self._note(tenant)

    async def _account(self, tenant: str, names: Sequence[str], now: datetime) -> None:
        """Read how a tenant's records came lately, when it is its turn."""
        due = self._due.get(tenant)
        silent = any(self._recently.get((tenant, name), _NOTHING).silent_hour for name in names)
        if due is not None and now < due <= now + _ACCOUNTED and not silent:
            return
        for account in await self._accounts.accounts(tenant, now):
            self._recently[tenant, account.source] = account.recently
        # The first turn after a start is the sooner, so that not all have theirs at the same time for ever.
        share = crc32(tenant.encode()) % 60 / 60 if due is None else 1.0
        self._due[tenant] = now + max(share * _ACCOUNTED, timedelta(minutes=1))

    async def _note(self, tenant: str) -> None:
        """Write down the throttled shares that changed."""
        shares = dict(self._throttled(tenant))
        if not _alike(shares, self._noted.get(tenant)):
            await self._states.note_watched(tenant, shares)
            self._noted[tenant] = shares

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


def _brief(tenant: str, source: str, state: SourceState | None, waiting: Waiting | None) -> SourceAccount:
    """What a source is judged by, without what it costs to count."""
    if state is None:
        return SourceAccount(tenant, source)
    return SourceAccount(
        tenant,
        source,
        watermark=state.watermark,
        last_success=state.last_success,
        last_error=state.last_error,
        last_error_at=state.last_error_at,
        trouble=state.trouble,
        code=state.code,
        subscribed_at=state.subscribed_at,
        throttled=state.throttled,
        blobs_waiting=waiting.blobs if waiting else 0,
        first_expiry=waiting.first_expiry if waiting else None,
    )


def _alike(now: Mapping[str, float | None], before: Mapping[str, float | None] | None) -> bool:
    return (
        before is not None
        and now.keys() == before.keys()
        and all(
            (share is None) == (before[name] is None) and abs((share or 0) - (before[name] or 0)) < _SAME
            for name, share in now.items()
        )
    )
