"""Monitors the health of sources: metrics, and a log line per change, of which stall, fall silent or lose content.

A check costs one query for the states of all sources and one for the content that waits. Complete accounts, which show
whether a source fell silent, are read once an hour for each tenant, and at each check where a source is silent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zlib import crc32

from aoc_collector import metrics
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.arrivals import RecentArrivals
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
#: How often a tenant's account is read. Silence is judged by the hour.
_ACCOUNT_INTERVAL: Final = timedelta(hours=1)
#: Throttled shares that differ by less are the same.
_NEGLIGIBLE: Final = 0.01
_NO_RECORDS: Final = RecentArrivals()


class SourceMonitor:
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
        self._last_states: dict[tuple[str, str], State] = {}
        self._account_due: dict[str, datetime] = {}
        self._recently: dict[tuple[str, str], RecentArrivals] = {}
        self._noted: dict[str, Mapping[str, float | None]] = {}

    async def check(self) -> None:
        """Judge every source once. Raises `Transient` when the store is away."""
        now = self._clock.now()
        states = {(state.tenant, state.source): state for state in await self._states.all_states(None)}
        waiting = await self._accounts.waiting()
        for tenant, names in list(self._sources.items()):
            await self._read_account(tenant, names, now)
            if self._sources.get(tenant) is not names:  # it has left or changed meanwhile
                continue
            for name in names:
                account = _cheap_account(tenant, name, states.get((tenant, name)), waiting.get((tenant, name)))
                account = replace(account, recently=self._recently.get((tenant, name), account.recently))
                self._report(account, judge(account, self._bounds, now), now)
            await self._note_throttled(tenant)

    def forget(self, tenant: str) -> None:
        """It is judged no more, or by other sources: it has left, was paused, or has changed."""
        for name in self._sources.get(tenant, ()):
            self._last_states.pop((tenant, name), None)
            self._recently.pop((tenant, name), None)
        self._account_due.pop(tenant, None)
        self._noted.pop(tenant, None)

    async def _read_account(self, tenant: str, names: Sequence[str], now: datetime) -> None:
        """Read how a tenant's records arrived recently, when that is due."""
        due = self._account_due.get(tenant)
        silent = any(self._recently.get((tenant, name), _NO_RECORDS).silent_hour for name in names)
        if due is not None and now < due <= now + _ACCOUNT_INTERVAL and not silent:
            return
        accounts = await self._accounts.accounts(tenant, now)
        if self._sources.get(tenant) is not names:
            return
        for account in accounts:
            self._recently[tenant, account.source] = account.recently
        # The first time after a start is spread over the hour, so that tenants are not read all at once.
        share = crc32(tenant.encode()) % 60 / 60 if due is None else 1.0
        self._account_due[tenant] = now + max(share * _ACCOUNT_INTERVAL, timedelta(minutes=1))

    async def _note_throttled(self, tenant: str) -> None:
        """Store the throttled shares that changed."""
        shares = dict(self._throttled(tenant))
        if not _alike(shares, self._noted.get(tenant)):
            await self._states.note_watched(tenant, shares)
            self._noted[tenant] = shares

    def _report(self, account: SourceAccount, judgement: Judgement, now: datetime) -> None:
        tenant, source = account.tenant, account.source
        expiry = account.first_expiry
        remaining_s = float("inf") if expiry is None else (expiry - now).total_seconds()
        metrics.SOURCE_STATE.labels(tenant, source).set(_LEVELS[judgement.state])
        metrics.EXPIRING_BLOBS.labels(tenant, source).set(account.blobs_waiting)
        metrics.EXPIRY_SECONDS.labels(tenant, source).set(remaining_s)
        # A source that is green from the beginning is not logged.
        before = self._last_states.get((tenant, source), State.GREEN)
        self._last_states[tenant, source] = judgement.state
        if judgement.state is not before:
            log = _log.info if judgement.state is State.GREEN else _log.warning
            log(
                "source.changed",
                tenant=tenant,
                source=source,
                before=before.value,
                now=judgement.state.value,
                reasons=list(judgement.reasons),
                next_action=judgement.next_action,
            )


def _cheap_account(tenant: str, source: str, state: SourceState | None, waiting: Waiting | None) -> SourceAccount:
    """The account of a source without the numbers that must be counted in the store."""
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
            (share is None) == (before[name] is None) and abs((share or 0) - (before[name] or 0)) < _NEGLIGIBLE
            for name, share in now.items()
        )
    )
