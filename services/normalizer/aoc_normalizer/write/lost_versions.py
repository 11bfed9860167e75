"""Versions that a lost page had stored, and that nobody can bring again since the record has changed at Microsoft.

Whoever brings another version of the event publishes and accounts for them, under the name of the page that is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts import ids
from aoc_common.contracts.event import PackedEvent
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.mappers import GENERIC
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import Reading, RecordContext, read

if TYPE_CHECKING:
    from aoc_common.store.versions import StoredVersion


def packed(one: StoredVersion, tenant: str) -> PackedEvent | None:
    """A stored version as it is published, without names; None for one that no mapper of today can read."""
    reading = read(one.raw.encode("utf-8", "replace"), RecordContext(tenant, one.source, one.fetched))
    if not isinstance(reading, Reading):
        return None
    event = finish(reading, NO_ENRICHMENT)
    event.ocsf["metadata"]["processed_time"] = ids.to_ms(one.fetched)
    return PackedEvent(
        one.event,
        tenant,
        one.source,
        event.time_ms,
        event.class_uid,
        event.operation,
        document=b"",
        body=event.message(),
        position=-1,
        text=event.text or "",
        twin_facts=event.twin_facts,
        understood=event.mapper != GENERIC.name,
        service=event.service,
    )
