"""Notes acts: into the spool before the answer leaves, from there into the store, and from there onto the bus."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aoc_api import metrics
from aoc_api.audit.acts import ocsf_of
from aoc_api.audit.spool import SpoolFull
from aoc_common.contracts import subjects
from aoc_common.contracts.audit import INSTALLATION, AuditEntry, Chain, Head
from aoc_common.errors import Malformed
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from aoc_api.audit.acts import Act
    from aoc_api.audit.sign_in_failures import SignInFailures
    from aoc_api.audit.spool import Spool
    from aoc_common.store.audit_heads import AuditHeads
    from aoc_common.store.audit_trail import AuditTrailStore

type Publish = Callable[[Sequence[AuditEntry]], Awaitable[None]]
"""Puts entries on the bus. Raises `Transient`; those that are there already are not doubled."""

_log = logs.get(__name__)

#: Entries that are stored, and published, at once.
_BATCH: Final = 500
#: Seconds between two looks: into the spool, for what is not on the bus, and while a server is away.
_SOON_S: Final = 0.2
_UNHURRIED_S: Final = 1.0
_AWAY_S: Final = 5.0
#: Entries that a request may need: of what it changes and of its answer, or of its answer's beginning and end.
_EACH: Final = 2
#: Chains that are brought onto the bus in one turn.
_CHAINS: Final = 200


class AuditTrail:
    """The trail of one gateway. `writer`: its own name, another one for each run. `failures`: see there."""

    def __init__(self, spool: Spool, writer: str, failures: SignInFailures) -> None:
        self._spool = spool
        self.failures = failures
        self._writer = writer
        self._heads: dict[str, Head] = {}
        self._under_way = 0

    @contextmanager
    def admitted(self) -> Iterator[bool]:
        """While a request is served: whether there is room for what it does, beside all others that are under way.

        Where there is none, it must not be done.
        """
        self._under_way += 1
        try:
            self._spool.make_room(self._under_way * _EACH)
        except SpoolFull as error:
            _log.error("audit_trail.full", error=str(error))
            room = False
        else:
            room = True
        try:
            yield room
        finally:
            self._under_way -= 1

    def note(self, act: Act) -> AuditEntry:
        """Note an act. When this returns, it is on this machine's disk. Raises `SpoolFull`."""
        tenant = act.tenant or INSTALLATION
        head = self._heads.get(tenant) or Head.none(Chain(tenant, self._writer))
        entry = AuditEntry.following(head, ocsf_of(act))
        self._spool.append(entry.text.encode())
        self._heads[tenant] = entry.head
        metrics.AUDIT_ENTRIES.labels(act.action.kind, entry.outcome).inc()
        return entry


class AuditStoring:
    """Brings what the spool holds into the store."""

    def __init__(self, spool: Spool, entries: AuditTrailStore, heads: AuditHeads) -> None:
        self._spool = spool
        self._entries = entries
        self._heads = heads
        self._failing = False

    def pause_s(self) -> float:
        """Seconds until the next run."""
        return _AWAY_S if self._failing else _SOON_S

    async def run(self) -> None:
        """Store all that waits. Raises `Transient` when the store is away: it stays in the spool."""
        if self._failing:
            # It may wait for long: until now it is in the memory of this machine.
            await asyncio.to_thread(self._spool.sync)
        self._failing = True
        while lines := self._spool.lines()[:_BATCH]:
            entries = [entry for line in lines if (entry := _read(line)) is not None]
            await self._entries.append(entries)
            await self._heads.note(list({entry.chain: entry.head for entry in entries}.values()))
            self._spool.forget(lines)
        self._failing = False
        metrics.AUDIT_SPOOL.set(self._spool.waiting)


class AuditPublishing:
    """Brings onto the bus what is stored, whoever noted it: a gateway that is gone cannot do it itself."""

    def __init__(self, entries: AuditTrailStore, heads: AuditHeads, publish: Publish) -> None:
        self._entries = entries
        self._heads = heads
        self._publish = publish
        self._failing = False

    def pause_s(self) -> float:
        """Seconds until the next run."""
        return _AWAY_S if self._failing else _UNHURRIED_S

    async def run(self) -> None:
        """Publish all that waits. Raises `Transient` when store or bus is away."""
        self._failing = True
        for known in await self._heads.unpublished(_CHAINS):
            position = known.published
            while stored := await self._entries.chain(known.head.chain, position, _BATCH):
                await self._publish([item.entry for item in stored if item.entry is not None])
                # What was changed in the store is not what was noted: it is passed over, and the check names it.
                position = stored[-1].sequence
                await self._heads.published(known.head.chain, position)
            # Its end may have been noted after all of it was published: nothing waits any more.
            await self._heads.published(known.head.chain, position)
        self._failing = False


def subject_of(entry: AuditEntry) -> str:
    """Where an entry is on the bus."""
    return subjects.audit(None if entry.chain.tenant == INSTALLATION else entry.chain.tenant)


def _read(line: bytes) -> AuditEntry | None:
    try:
        return AuditEntry.read(line.decode())
    except (Malformed, UnicodeDecodeError) as error:
        # Somebody has written into the spool, or the disk is broken: the chain has a hole there, which the check names.
        _log.error("audit_trail.line_unreadable", error=str(error))
        return None
