"""Whole events, read by a person once and held from then on.

`AOC_GOLDEN=write ./aoc test tests/unit/normalizer/test_golden.py` writes what the mappers make now: read the diff.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

FILES = sorted((Path(__file__).parent / "golden").glob("*.json"))
CONTEXT = RecordContext("contoso", "golden", datetime(2026, 11, 23, 8, tzinfo=UTC))


def test_there_are_fifty_or_more() -> None:
    assert len(FILES) >= 50


@each("file", FILES, ids=lambda file: file.stem)
def test_an_event_is_as_it_was_when_it_was_read(file: Path, schema_faults) -> None:
    kept = json.loads(file.read_text())
    event = normalise(json.dumps(kept["record"]).encode(), CONTEXT)
    assert isinstance(event, Event)
    whole = json.loads(event.message())
    del whole["raw_data"]
    made = {
        "id": str(event.id),
        "operation": event.operation,
        "result": event.result,
        "actor": event.actor,
        "ip": event.ip,
        "terms": list(event.terms),
        "tags": list(event.tags),
        "mapper": event.mapper,
        "event": whole,
    }
    if os.environ.get("AOC_GOLDEN") == "write":
        file.write_text(json.dumps({"record": kept["record"], "expected": made}, indent=1, ensure_ascii=False) + "\n")
        return

    assert made == kept["expected"]
    assert schema_faults(json.loads(event.message())) == []
