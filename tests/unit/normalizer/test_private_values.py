"""What is hidden from a role stands nowhere in what it is shown, whatever mapper made the event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest

import private_records
from aoc_common.contracts.event import Event, StoredEvent
from aoc_common.contracts.privacy.fields import PRIVATE_FIELDS
from aoc_common.contracts.privacy.private_values import texts
from aoc_common.contracts.privacy.redaction import redacted
from aoc_common.contracts.privacy.seen import found_by
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, tzinfo=UTC))
#: Of each kind so many values at least are in the public records that are tried: fewer were read would prove nothing.
AT_LEAST = {"subject": 20, "content": 3, "file": 100, "address": 100, "location": 20, "device": 90}


def stored(event: Event) -> StoredEvent:
    return StoredEvent(
        id=event.id, tenant=event.tenant, source=event.source, time=datetime.fromtimestamp(event.time_ms / 1000, UTC),
        service=event.service, operation=event.operation, result=event.result, actor=event.actor, ip=event.ip,
        correlation_id=event.correlation_id, tags=event.tags, ocsf=event.ocsf, unmapped=event.unmapped, raw=event.raw,
        page="p",
    )  # fmt: skip


def answered(event: StoredEvent) -> str:
    """All texts of an event that an answer can hold, in lower case; not what records call their fields."""
    raw = orjson.loads(event.raw) if event.raw and event.raw[0] in "{[" else event.raw
    whole = [event.ocsf, event.unmapped, raw]
    return "\n".join(text for text in texts(whole)).casefold()


def events(real_records: dict[str, list[bytes]]) -> Iterator[tuple[str, bytes, Event]]:
    for name, records in real_records.items():
        # The two large sets are one month of one tenant: a part of each shows all of its shapes.
        for record in records[:: max(1, len(records) // 200)]:
            made = normalise(record, CONTEXT)
            if isinstance(made, Event):
                yield name, record, made


@pytest.mark.slow
@each("kind", PRIVATE_FIELDS)
def test_no_private_value_of_a_record_is_in_what_is_shown_of_it(real_records, kind, schema_faults) -> None:
    told, invalid, seen = [], [], set()
    for name, record, event in events(real_records):
        values = private_records.values(orjson.loads(record), kind)
        if not values:
            continue
        seen |= values
        shown = redacted(stored(event), frozenset({kind}))
        text = answered(shown)
        # Who it was is not hidden, nor is the address where that is no value of this kind.
        for plain in filter(None, (event.actor, shown.ip)):
            text = text.replace(plain.casefold(), "")
        own = {event.operation.casefold(), event.service}
        assert shown.ip is None or kind != "address"
        told += [(name, value) for value in values - own if value in text]
        complete = shown.ocsf | {"raw_data": shown.raw or ""}
        if not schema_faults(event.ocsf | {"raw_data": event.raw}) and (faults := schema_faults(complete)):
            invalid.append((name, faults))

    assert told == []
    assert invalid == []
    assert len(seen) >= AT_LEAST[kind]


def test_what_is_left_is_still_found_by_nearly_all_of_its_terms(real_records) -> None:
    """Hiding nothing that is there hides no term: what a reader can read, he can search for."""
    lost, of_all = 0, 0
    for _name, _record, event in events(real_records):
        found = found_by(redacted(stored(event), frozenset()), event.terms)
        lost += len(set(event.terms) - found.terms)
        of_all += len(set(event.terms))

    assert of_all > 5_000
    assert lost / of_all < 0.01
