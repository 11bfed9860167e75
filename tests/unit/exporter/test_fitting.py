"""What is too large for a destination is cut by one rule."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest

from aoc_common.errors import Malformed
from aoc_exporter.formats import FORMATS
from aoc_exporter.item import TooLarge, fit
from aoc_exporter.lanes import Way
from aoc_exporter.settings import ExportSettings
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from each import each
from made_events import audit
from manual_clock import ManualClock
from replica import NOW
from siem_entries import ROOMY, entry, entry_of

LONG = entry_of(audit("Add user", additionalDetails=[{"key": "Note", "value": "x" * 20_000}]))
WHOLE = json.loads(LONG.body)


@each("form", FORMATS)
def test_what_fits_is_not_touched(form: str) -> None:
    whole = fit(LONG, FORMATS[form], ROOMY)
    just = fit(LONG, FORMATS[form], len(whole.data))

    assert (just.data, just.cut) == (whole.data, False)
    assert not whole.cut


def test_first_goes_the_records_own_text_then_what_has_no_home() -> None:
    without_raw = fit(LONG, FORMATS["ocsf"], len(LONG.body) - 1)
    without_both = fit(LONG, FORMATS["ocsf"], 20_000)

    assert json.loads(without_raw.data).keys() == (WHOLE.keys() - {"raw_data"}) | {"raw_data_size"}
    assert "unmapped" not in json.loads(without_both.data)
    assert json.loads(without_both.data)["metadata"]["is_truncated"]
    assert json.loads(without_both.data)["raw_data_size"] == len(WHOLE["raw_data"].encode())
    assert without_both.key == LONG.key
    assert orjson.loads(without_both.mark)["truncated"]


@each("form", FORMATS)
@each("limit", [16_000, 4_000, 1_500])
def test_no_format_is_longer_than_it_may_be(form: str, limit: int) -> None:
    assert len(fit(LONG, FORMATS[form], limit).data) <= limit


@each("form", FORMATS)
def test_what_fits_in_no_form_is_refused_and_names_what_it_is(form: str) -> None:
    with pytest.raises(TooLarge, match=LONG.key):
        fit(LONG, FORMATS[form], 50)


@each("limit", [5_000, 9_000])
@each("form", FORMATS)
def test_what_is_said_beside_an_entry_takes_room_and_makes_no_message_too_long(limit: int, form: str) -> None:
    labels = {f"label_{number}": '"]' * 100 for number in range(5)}
    options = SyslogOptions(host="127.0.0.1", transport="tcp", hostname="h" * 255, message_bytes=limit)
    sink = Syslog(options)
    way = Way(sink, ExportSettings(), ManualClock(NOW), labels=labels)
    made = fit(replace(LONG, labels=tuple(labels.items()), retrospective=True), FORMATS[form], way.entry_bytes)
    length, _, message = sink.framed([made]).partition(b" ")

    assert len(message) == int(length) <= limit
    assert message.count(b"label_") >= 5


def test_an_event_that_came_shortened_still_says_what_the_whole_had() -> None:
    once = fit(LONG, FORMATS["ocsf"], 20_000)
    twice = fit(once.entry, FORMATS["ocsf"], len(once.data) - 1)

    assert (
        json.loads(twice.data)["metadata"]["untruncated_size"] == json.loads(once.data)["metadata"]["untruncated_size"]
    )
    assert json.loads(twice.data)["raw_data_size"] == len(WHOLE["raw_data"].encode())


@each("body", [b"", b"[]", b"{", b"null", b'"text"', b"\xff", b'{"a":'])
@each("form", ["ecs", "cef"])
def test_a_body_that_is_no_object_is_refused_by_name(form: str, body: bytes) -> None:
    with pytest.raises(Malformed, match=r"event .*-1: the body is no JSON"):
        fit(entry(body=body), FORMATS[form], ROOMY)


@each("form", ["ocsf", "raw"])
@each("body", [b"", b"[]", b"{", b"null", b'"text"', b"\xff"])
def test_a_body_that_is_passed_through_is_at_least_an_object(form: str, body: bytes) -> None:
    with pytest.raises(Malformed, match=r"event .*-1: the body is no"):
        fit(entry(body=body), FORMATS[form], ROOMY)


@pytest.mark.parametrize("metadata", [None, [], "x"])
def test_an_object_that_is_no_event_cannot_be_cut_and_says_so(metadata: object) -> None:
    body = orjson.dumps({"metadata": metadata, "message": "x" * 1000})

    with pytest.raises(Malformed, match="no OCSF event"):
        fit(entry(body=body), FORMATS["ocsf"], 500)
