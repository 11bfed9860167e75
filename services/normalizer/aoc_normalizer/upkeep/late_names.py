"""Names that came too late: events with ids that the directory did not know are mapped again once it does.

A new user is in the audit log minutes before the collector has read the directory, and so is everything in the first
minutes of a new tenant. Events change in place; nothing is published again. Every replica looks: what one has renewed,
the others no longer find. What an event says of somebody stays; names are added.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.ids import to_ms
from aoc_common.telemetry import logs
from aoc_normalizer import metrics
from aoc_normalizer.enrich.identify import keys
from aoc_normalizer.enrich.preserved import preserved_in
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import Reading, RecordContext, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from aoc_common.clock import Clock
    from aoc_common.contracts.event import Event
    from aoc_common.store.directory_names import DirectoryNames
    from aoc_common.store.renewals import EventRenewal, StoredRecord
    from aoc_normalizer.enrich.lookup import LookUp

_log = logs.get(__name__)

#: How far back a start looks, for names that came while no normalizer ran; and each turn, for clocks that differ.
_AT_START: Final = timedelta(days=1)
_EACH_TURN: Final = timedelta(minutes=2)
_ENTITIES: Final = 500
_EVENTS: Final = 200
#: Keys of one query.
_KEYS: Final = 100


class LateNames:
    """Renews events whose ids have got names since."""

    def __init__(self, directory: DirectoryNames, events: EventRenewal, look_up: LookUp, clock: Clock) -> None:
        self._directory = directory
        self._events = events
        self._look_up = look_up
        self._clock = clock
        self._since = clock.now() - _AT_START

    async def catch_up(self) -> int:
        """Renew what can be renewed now; the number of events. Raises `Transient`; what is left comes next time."""
        done = 0
        at = self._since
        while changed := await self._directory.changed(at, _ENTITIES):
            by_tenant: dict[str, list[str]] = defaultdict(list)
            for one in changed:
                by_tenant[one.tenant] += one.keys
            for tenant, known in by_tenant.items():
                for together in batched(known, _KEYS):
                    done += await self._renew(tenant, together)
            at = changed[-1].at
        self._since = max(self._since, at - _EACH_TURN)
        return done

    async def _renew(self, tenant: str, known: Sequence[str]) -> int:
        done = 0
        while records := await self._events.unnamed(tenant, known, _EVENTS):
            pairs = await renewals(tenant, records, self._look_up, self._clock.now())
            await self._events.renew(pairs)
            done += len(pairs)
            # An event that still has one of the ids without a name would be found for ever.
            if len(records) < _EVENTS or not _fewer(pairs, known):
                break
        if done:
            metrics.EVENTS_RENAMED.inc(done)
            _log.info("events.renamed", tenant=tenant, count=done)
        return done


async def renewals(
    tenant: str, records: Iterable[StoredRecord], look_up: LookUp, now: datetime
) -> list[tuple[StoredRecord, Event]]:
    """Stored records beside the events that today's mappers make of them. Raises `Transient`.

    What the stored events say of people and things stays; what is known now and was not then is added, dated `now`.
    """
    now_ms = to_ms(now)
    read_again = [
        (record, reading)
        for record in records
        if isinstance(
            reading := read(record.raw.encode(), RecordContext(tenant, record.source, record.logged)), Reading
        )
    ]
    wanted = {key for _, reading in read_again for key in keys(reading.draft)}
    known = (await look_up({tenant: wanted}))[tenant]
    return [(record, finish(reading, known, preserved_in(record.ocsf, now_ms))) for record, reading in read_again]


def _fewer(pairs: Iterable[tuple[StoredRecord, Event]], known: Sequence[str]) -> bool:
    wanted = set(known)
    return all(wanted.isdisjoint(event.unnamed) for _, event in pairs)
