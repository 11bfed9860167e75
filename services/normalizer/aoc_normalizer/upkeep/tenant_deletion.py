"""Tenants that are to be deleted are, with all their data: documents and messages, wherever they are.

First nothing new comes in: services have seen that the tenant is being deleted. Then all is counted, which is noted
before anything is removed; then all is removed, again and again, until a count finds nothing twice, so long after each
other that what was under way has arrived. Who dies on the way leaves a record that says "deleting", and whoever comes
next begins with the next round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    from aoc_common.clock import Clock
    from aoc_common.tenants.records import TenantRecord

_log = logs.get(__name__)


class TenantHoldings(Protocol):
    """What there is of a tenant. Both methods may raise `Transient`, and can be repeated."""

    async def counts(self) -> dict[str, int]:
        """Where -> how many documents or messages."""
        ...

    async def remove(self) -> None:
        """Remove all of it."""
        ...


class TenantDeletion:
    """Deletes tenants. `finish`: notes that a tenant is deleted, with the proof; False when it was changed before."""

    def __init__(
        self,
        deleting: Callable[[], Awaitable[list[TenantRecord]]],
        holdings: Callable[[TenantRecord], TenantHoldings],
        note: Callable[[TenantRecord, Mapping[str, Any]], Awaitable[None]],
        finish: Callable[[TenantRecord, Mapping[str, Any]], Awaitable[bool]],
        take: Callable[[datetime], Awaitable[bool]],
        clock: Clock,
        settled: timedelta,
    ) -> None:
        self._deleting = deleting
        self._holdings = holdings
        self._note = note
        self._finish = finish
        self._take = take
        self._clock = clock
        self._settled = settled

    async def look(self) -> None:
        """One round for each tenant that is to be deleted. Raises `Transient`; the next round goes on."""
        for record in await self._deleting():
            now = self._clock.now()
            if now - record.changed_at < self._settled or not await self._take(now):
                continue
            await self._round(record)

    async def _round(self, record: TenantRecord) -> None:
        holdings, proof = self._holdings(record), dict(record.proof)
        counts = await holdings.counts()
        now = self._clock.now()
        if "before" not in proof:
            proof |= {"began_at": now, "before": counts, "rounds": 0}
            await self._note(record, proof)
        if any(counts.values()):
            proof |= {"rounds": proof["rounds"] + 1}
            proof.pop("empty_since", None)
            await self._note(record, proof)
            await holdings.remove()
            return
        since = proof.setdefault("empty_since", now)
        if now - since < self._settled:
            await self._note(record, proof)
            return
        proof |= {"after": counts, "done_at": now}
        if await self._finish(record, proof):
            _log.warning("tenant.deleted", tenant=record.name, removed=proof["before"], rounds=proof["rounds"])
