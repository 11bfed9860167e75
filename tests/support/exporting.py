"""Events as the store has them, and exports of them in a test's own memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aoc_api.access.note import Note
from aoc_api.export.encodings import compressor
from aoc_api.export.formats import FORMATS
from aoc_api.export.rights import EVERY_S, Rights
from aoc_api.export.stream import Export
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.ids import EPOCH
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_api.export.formats import Format

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def an_event(number: int, **changes: Any) -> StoredEvent:
    at = NOW + timedelta(milliseconds=number)
    ocsf = {
        "time": int((at - EPOCH).total_seconds() * 1000),
        "message": f"event {number}",
        "status": "Success",
        "observables": [{"name": "target", "value": "a"}, {"name": "target", "value": "b"}],
    }
    made = StoredEvent(
        id=UUID(int=number + 1),
        tenant="contoso",
        source="o365-exchange",
        time=at,
        service="exchange",
        operation="Set-Mailbox",
        result="success",
        actor="dana@contoso.example",
        ip="2001:db8::7",
        correlation_id=None,
        tags=("no-id",),
        ocsf=ocsf,
        unmapped={"UserKey": number},
        raw=f'{{"Id":{number}}}',
        page="p1",
    )
    return replace(made, **changes)


def unchanged() -> Rights:
    """Of somebody whose rights stay, and are looked at before each page."""
    clock = ManualClock(NOW)

    async def now() -> Scope:
        clock.advance(EVERY_S)
        return Scope("contoso")

    rights = Rights(Scope("contoso"), now, clock)
    clock.advance(EVERY_S)
    return rights


async def exported(
    events: Sequence[StoredEvent],
    form: Format,
    coding: str | None = None,
    fields: Sequence[str] | None = None,
    trailer: dict[str, Any] | None = None,
) -> tuple[bytes, Note]:
    """The bytes as they are sent, and what is noted of them. Pages of seven events."""
    note = Note()
    following = _paged(events[7:])
    export = Export(FORMATS[form].make(fields), compressor(coding), trailer)
    parts = [part async for part in export.chunks(events[:7], following, note)]
    assert b"" not in parts
    return b"".join(parts), note


async def _paged(events: Sequence[StoredEvent]) -> AsyncGenerator[Sequence[StoredEvent]]:
    for start in range(0, len(events), 7):
        yield events[start : start + 7]
