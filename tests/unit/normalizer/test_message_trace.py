"""Message traces as the reporting service lists them."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def trace(**more) -> Event:
    body = {
        "MessageTraceId": "m-1",
        "MessageId": "<a@mail.example>",
        "Received": "2026-11-23T07:30:00.5",
        "SenderAddress": "drop@mail.example",
        "RecipientAddress": "dana@contoso.example",
        "Subject": "Lunch",
        "Status": "Delivered",
        "FromIP": "203.0.113.9",
    } | more
    made = normalise(orjson.dumps(body), RecordContext("contoso", "import", NOW))
    assert isinstance(made, Event)
    assert made.mapper == "message-trace"
    assert "mapper-error" not in made.tags
    return made


def test_a_trace_says_who_wrote_to_whom_and_what_became_of_it(ocsf_faults):
    made = trace()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.service, made.result) == (6003, "exchange", "success")
    assert (made.actor, made.ip, made.correlation_id) == ("drop@mail.example", "203.0.113.9", "<a@mail.example>")
    assert made.time_ms == 1795419000500
    assert made.ocsf["message"] == "Mail from drop@mail.example to dana@contoso.example: delivered, “Lunch”"
    assert {"lunch", "dana"} <= set(made.terms)


@pytest.mark.parametrize(("status", "result"), [("Failed", "failure"), ("Pending", "unknown"), (None, "unknown")])
def test_the_result_of_a_trace_is_its_status(status, result):
    assert trace(Status=status).result == result


@each("field", ["SenderAddress", "RecipientAddress", "Subject", "FromIP", "Received", "MessageId"])
@each("odd", [None, [], {}, 7, "<>", "<null>"])
def test_an_odd_field_of_a_trace_costs_only_itself(field, odd, ocsf_faults):
    made = trace(**{field: odd})

    assert ocsf_faults(made) == []
    assert "None" not in made.ocsf["message"]
