"""Event identity: a UUIDv8 of when a record happened and which record it is.

48 bits of event time in milliseconds since 1970 (UTC), then the version and variant of RFC 9562, then 74 bits of a
BLAKE2b over (tenant, namespace, record id). The same record fetched twice, by two replicas or a year apart, has the
same id; ids sort by time. MongoDB's `_id` index alone therefore gives deduplication, time order and keyset pagination.
A *namespace* holds the sources that share record ids, e.g. `ual` for the unified audit log.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

from aoc_common.contracts import spelling

_MAX_MS: Final = (1 << 48) - 1
#: Version 8 and the variant of RFC 9562, and which bits of an id are the hash's: 12 and 62.
_VERSION_8: Final = 8 << 76 | 0b10 << 62
_RAND_A: Final = 0xFFF << 64
_RAND_B: Final = (1 << 62) - 1
_HASH: Final = (1 << 80) - 1
_MS: Final = timedelta(milliseconds=1)
#: The namespace of the unified audit log.
UNIFIED: Final = "ual"
#: The last moment that there is: a record can be of the year 9999.
LAST: Final = datetime.max.replace(tzinfo=UTC)


def event_id(tenant: str, namespace: str, record_id: str, time_ms: int) -> UUID:
    """The id of the record `record_id` in `namespace` (e.g. `ual`, `sign-in`) of `tenant`.

    Letters' case says nothing, nor does what nobody sees.
    `time_ms`: when it happened, in ms since 1970; clamped to what 48 bits hold (an unknown time is 0).
    """
    return spelt_id(tenant, namespace, spelling.folded(record_id).lower(), time_ms)


def spelt_id(tenant: str, namespace: str, record_id: str, time_ms: int) -> UUID:
    """The id with regard to case, as events were stored until versions came (docs/adr/0011-versions.md)."""
    key = f"{tenant}\x1f{namespace}\x1f{record_id}".encode("utf-8", "surrogatepass")
    return _made(time_ms if 0 <= time_ms <= _MAX_MS else min(max(time_ms, 0), _MAX_MS), key)


def beside(identity: UUID, by: str) -> UUID:
    """The id of a record that shares its own id and time with another event. `by`: its operation, or what differs."""
    return _made(identity.int >> 80, b"\x1f".join((identity.bytes, by.lower().encode("utf-8", "surrogatepass"))))


def second_of(identity: UUID) -> tuple[int, int]:
    """The second of an id, since 1970, and its hash: those of one record, however exactly its time is told."""
    return (identity.int >> 80) // 1000, identity.int & _HASH


def _made(time_ms: int, key: bytes) -> UUID:
    digest = int.from_bytes(blake2b(key, digest_size=10).digest())
    return UUID(int=time_ms << 80 | _VERSION_8 | digest >> 4 & _RAND_A | digest & _RAND_B)


def just_after(moment: datetime) -> datetime:
    """The exclusive end of a range whose last event is of `moment`: events have whole milliseconds."""
    return moment + _MS if LAST - moment > _MS else LAST


def lowest_id(moment: datetime) -> UUID:
    """The smallest id that an event at `moment` or later can have: a bound for time ranges over `_id`.

    Events have whole milliseconds, so a part of one begins with the next.
    """
    first = to_ms(moment) + bool(moment.microsecond % 1000)
    return UUID(int=min(max(first, 0), _MAX_MS) << 80)


def time_of(identity: UUID) -> datetime:
    """The event time that an id carries, in UTC with ms precision. Raises `OverflowError` beyond year 9999."""
    return from_ms(identity.int >> 80)


def complete_from(bound: UUID | None) -> datetime | None:
    """The first ms of which all ids are at or above a bound, in UTC; None when there is none, or beyond year 9999."""
    try:
        return None if bound is None else from_ms((bound.int + (1 << 80) - 1) >> 80)
    except OverflowError:
        return None


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970 of an aware datetime."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def from_ms(milliseconds: int) -> datetime:
    """The moment that many milliseconds after 1970, in UTC. Raises `OverflowError` beyond year 9999."""
    return EPOCH + milliseconds * _MS


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
