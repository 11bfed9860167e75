"""Entries of an audit trail for sinks: no gateway runs in a run, so it writes some itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.verify.sink_comparison import Published
from aoc_common.bus.broker import jetstream
from aoc_common.bus.noted import NotedStream
from aoc_common.bus.publish import Outgoing
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_common.contracts.ids import to_ms
from aoc_common.store.mongo.message_log import MongoMessageLog
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.siem.fingerprints import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from faststream.nats import NatsBroker

    from aoc_common.store.mongo.client import Database

#: Of each tenant.
_ENTRIES: Final = 25
_WRITER: Final = "verify"
#: What destinations are told in place of a source.
_SOURCE: Final = "aoc-audit"
_CLASS: Final = 3002


def made_entries() -> Iterator[AuditEntry]:
    """A chain of entries for each tenant."""
    for tenant in DEFAULT_TENANTS:
        head = Head.none(Chain(tenant.slug, _WRITER))
        for number in range(_ENTRIES):
            entry = AuditEntry.following(head, _event(number))
            head = entry.head
            yield entry


async def write(broker: NatsBroker, database: Database, entries: Iterable[AuditEntry]) -> None:
    """Put them onto AOC_AUDIT, as a gateway does. Raises `Transient`."""
    messages = [
        Outgoing(subjects.audit(entry.chain.tenant), entry.text.encode(), {"Nats-Msg-Id": entry.id})
        for entry in entries
    ]
    log = MongoMessageLog(database, subjects.AUDIT_STREAM)
    await NotedStream(subjects.AUDIT_STREAM, log, SystemClock()).publish(jetstream(broker), messages)


def published_entries(entries: Iterable[AuditEntry]) -> dict[str, Published]:
    """Key -> what AOC_AUDIT had of it."""
    return {
        f"{entry.id}-1": Published(
            frozenset([fingerprint(entry.chain.tenant, _SOURCE, entry.event).fields]), frozenset(), bare=True
        )
        for entry in entries
    }


def _event(number: int) -> dict[str, Any]:
    return {
        "class_uid": _CLASS,
        "time": to_ms(datetime.now(UTC)),
        "status_id": 1,
        "metadata": {"version": "1.8.0", "event_code": f"made-{number}"},
        "unmapped": {"action": "session.begin"},
    }
