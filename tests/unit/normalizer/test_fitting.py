"""Events that are larger than a message may be."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_common.bus.publish import Outgoing
from aoc_common.errors import TooLarge
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.write.message_size import HEADER, fit
from aoc_sim import samples
from aoc_sim.records.base import SOURCES

CONTEXT = RecordContext("contoso", "o365-exchange", datetime(2026, 11, 23, tzinfo=UTC))
#: The least that a server must take (`bus.limits.MIN_MESSAGE_BYTES`) is 64 KiB.
SMALLEST = 16 * 1024


def message(record: dict[str, object]) -> Outgoing:
    event = normalise(orjson.dumps(record), CONTEXT)
    headers = {"Nats-Msg-Id": str(event.id), "Aoc-Tenant": "contoso", "Aoc-Source": "o365-exchange"}
    return Outgoing("aoc.events.contoso.o365-exchange.6003", event.message(), headers)


def record(**more: object) -> dict[str, object]:
    return {"Id": "r1", "CreationTime": "2026-11-23T07:30:00", "Operation": "Set-Mailbox", "RecordType": 1, **more}


def test_what_fits_travels_as_it_is() -> None:
    whole = message(record())

    assert fit(whole, whole.size) is whole


def test_what_is_too_large_travels_without_its_text_and_says_so(schema_faults) -> None:
    whole = message(record(Extra="x" * 5000))

    made = fit(whole, whole.size - 1)
    event = orjson.loads(made.body)

    assert (made.subject, made.headers) == (whole.subject, whole.headers | {HEADER: "1"})
    assert event["unmapped"] == {"Extra": "x" * 5000}
    assert event["metadata"]["is_truncated"] is True
    assert event["metadata"]["untruncated_size"] == -(-len(whole.body) // 1024)
    assert "raw_data" not in event
    assert event["raw_data_size"] == len(orjson.dumps(record(Extra="x" * 5000)))
    assert schema_faults(event) == []


def test_then_it_travels_without_what_has_no_home_in_ocsf(schema_faults) -> None:
    whole = message(record(Extra="x" * 500_000))

    event = orjson.loads(fit(whole, SMALLEST).body)

    assert "unmapped" not in event
    assert event["message"] == orjson.loads(whole.body)["message"]
    assert schema_faults(event) == []


def test_a_limit_that_holds_no_event_is_named_and_loses_none() -> None:
    with pytest.raises(TooLarge, match="400 bytes hold no event at all"):
        fit(message(record(Extra="x" * 5000)), 400)


@pytest.mark.slow
@pytest.mark.parametrize("source", sorted(SOURCES))
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), limit=st.integers(6 * 1024, 64 * 1024))
def test_every_kind_of_event_has_a_valid_form_for_every_limit(source, seed, limit, schema_faults) -> None:
    for _, text in samples.records(seed, 3, source):
        large = orjson.loads(text)
        for name in [name for name, value in large.items() if isinstance(value, list)]:
            large[name] = large[name] * 400
        whole = message(large | {"Padding": "x" * 100_000})

        made = fit(whole, limit)

        assert made.size <= limit
        assert schema_faults(orjson.loads(made.body)) == []
