"""What a test of a sink sends, and how its end is told. Pure.

One marked event; and where the sink's format has shapes of its own for records of Microsoft's, which may go to places
of their own, a marked record for each of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import ids
from aoc_exporter.entry import Entry, Kind
from aoc_exporter.formats import FORMATS
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.sinks import SinkSettings
    from aoc_exporter.outcome import Outcome

_CLASS: Final = 6003
_OPERATION: Final = "AOC test"
_SOURCE: Final = "aoc-test"


def entries(sink: SinkSettings, tenant: str, ticket: UUID, now: datetime) -> list[Entry]:
    """What is sent. `ticket`: the first one's id."""
    named = [(_SOURCE, str(ticket), str(ticket))]
    for source in FORMATS[sink.format].shaped:
        record = f"{ticket}-{source}"
        named.append((source, record, str(ids.event_id(tenant, ids.UNIFIED, record, ids.to_ms(now)))))
    return [_entry(sink, tenant, *names, now) for names in named]


def result_of(sent: Sequence[Entry], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How it ended: in the destination's words about the first entry that it did not take."""
    words = next((one.words for one in outcomes if not isinstance(one, Accepted)), None)
    return {"accepted": words is None, "id": sent[0].id, "words": "accepted" if words is None else words}


def _entry(sink: SinkSettings, tenant: str, source: str, record: str, identity: str, now: datetime) -> Entry:
    at = ids.to_ms(now)
    # With the names of both APIs, so that either's readers find them.
    raw = {
        "Id": record,
        "CreationTime": f"{now:%Y-%m-%dT%H:%M:%S}",
        "Operation": _OPERATION,
        "activityDisplayName": _OPERATION,
    }
    body = {
        "class_uid": _CLASS, "class_name": "API Activity", "category_uid": 6, "activity_id": 99,
        "type_uid": _CLASS * 100 + 99, "severity_id": 1, "time": at, "status_id": 1,
        "message": f"A test of AOC: sink {sink.name} is set up.",
        "metadata": {
            "uid": identity, "version": "1.8.0", "product": {"name": "AOC", "vendor_name": "AOC"},
            "labels": [_SOURCE], "tenant_uid": tenant,
        },
        "api": {"operation": _OPERATION}, "actor": {}, "src_endpoint": {}, "raw_data": orjson.dumps(raw).decode(),
    }  # fmt: skip
    labels = tuple(sorted(sink.labels.items()))
    return Entry(Kind.EVENT, identity, 1, tenant, source, _CLASS, _OPERATION, at, orjson.dumps(body), labels=labels)
