"""Every kind of record that the simulator makes is understood."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples
from aoc_sim.records.base import SOURCES
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, 0, tzinfo=UTC))


@each("source", SOURCES)
def test_a_record_is_a_valid_event_with_a_mapper_of_its_own_and_a_sentence(source: str, schema_faults) -> None:
    events = [normalise(text, CONTEXT) for _, text in samples.records(9, 60, source)]

    for event in events:
        assert isinstance(event, Event)
        assert schema_faults(orjson.loads(event.message())) == []
        assert event.mapper != "generic"
        assert event.time_ms > 0
        assert event.actor
        assert event.operation != "Unknown"
        assert len(event.ocsf["message"].split()) >= 2


def test_the_same_record_has_the_same_id_however_it_came() -> None:
    texts = [text for _, text in samples.records(9, 80, None)]
    other = RecordContext("contoso", "graph-signins", datetime(2027, 1, 1, tzinfo=UTC))
    elsewhere = RecordContext("fabrikam", "import", CONTEXT.fetched_at)

    first = [normalise(text, CONTEXT).id for text in texts]
    assert first == [
        normalise(orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2), other).id for text in texts
    ]
    assert not set(first) & {normalise(text, elsewhere).id for text in texts}
    assert len(set(first)) == len(texts)


def test_a_record_without_an_id_is_known_by_its_content_in_any_order_of_its_keys() -> None:
    one = normalise(b'{"CreationTime": "2026-11-23T08:00:00", "Operation": "X", "Workload": "Exchange"}', CONTEXT)
    same = normalise(b'{"Workload":"Exchange","Operation":"X","CreationTime":"2026-11-23T08:00:00"}', CONTEXT)
    different = normalise(b'{"Workload":"Exchange","Operation":"Y","CreationTime":"2026-11-23T08:00:00"}', CONTEXT)

    assert one.id == same.id != different.id
    assert "no-id" in one.tags


@pytest.mark.slow
def test_real_records_are_valid_understood_and_rarely_generic(real_records, schema_faults) -> None:
    mappers: Counter[str] = Counter()
    faults = []
    for records in real_records.values():
        for record in records:
            event = normalise(record, CONTEXT)
            assert isinstance(event, Event)
            mappers[event.mapper] += 1
            faults += schema_faults(orjson.loads(event.message()))
            assert "mapper-error" not in event.tags, event.unmapped["_mapper_error"]

    assert faults == []
    assert mappers.total() > 3000
    assert mappers["generic"] <= mappers.total() * 0.01
