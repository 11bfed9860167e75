"""Whole messages in every format and framing, read by a person once and held from then on.

`AOC_GOLDEN=write ./aoc test tests/unit/exporter/test_golden.py` writes what the encoders make now: read the diff.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from aoc_exporter.formats import FORMATS
from aoc_exporter.framing import bulk, hec, ndjson, otlp, sentinel, syslog, webhook
from aoc_exporter.item import Item, fit
from each import each
from golden_entries import CASES, SIGN_IN, SOURCES
from siem_entries import ROOMY, entry_of
from siem_formats import read_cef, read_syslog

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "golden"

FRAMINGS: dict[str, Callable[[Item], bytes]] = {
    "ndjson": ndjson.line,
    "hec": lambda item: hec.envelope(item, hec.HecFields(index="security")),
    "bulk": lambda item: bulk.pair(item, "logs-aoc-default"),
    "syslog": lambda item: syslog.framed(syslog.message(item, syslog.Header()), syslog.Framing.OCTETS),
    "otlp": lambda item: otlp.body([item]),
    "sentinel": lambda item: sentinel.body([sentinel.row(item)]),
    "webhook": lambda item: webhook.body([item], "2026-11-23T08:00:00Z"),
}


def held(name: str, made: dict[str, Any]) -> dict[str, Any]:
    """What the file of that name holds; with AOC_GOLDEN=write it is written first."""
    path = FOLDER / f"{name}.json"
    if os.environ.get("AOC_GOLDEN") == "write":
        path.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    kept: dict[str, Any] = orjson.loads(path.read_bytes())
    return kept


@each("name", CASES)
def test_an_entry_is_in_every_format_as_it_was_when_it_was_read(name: str) -> None:
    encoded = {form: fit(CASES[name](), FORMATS[form], ROOMY).data for form in FORMATS}
    collected = CASES[name]()
    encoded["elastic"] = FORMATS["elastic"].encode(replace(collected, source=SOURCES.get(name, collected.source)))
    made = {form: data.decode() if form == "cef" else orjson.loads(data) for form, data in encoded.items()}

    assert made == held(name, made)
    assert encoded["ocsf"] == CASES[name]().body


@each("framing", FRAMINGS)
@each("form", ["ocsf", "raw", "cef"])
def test_an_item_is_framed_as_it_was_when_it_was_read(framing: str, form: str) -> None:
    item = fit(CASES["user-created"](), FORMATS[form], ROOMY)
    made = {"text": FRAMINGS[framing](item).decode()}

    assert made == held(f"framed-{framing}-{form}", made)


@each("name", CASES)
def test_a_stranger_reads_from_cef_what_the_event_says(name: str) -> None:
    entry = CASES[name]()
    header, extension = read_cef(fit(entry, FORMATS["cef"], ROOMY).data)

    assert header[1:4] == ["AOC", "Admin Operations Center", "0.1"]
    assert header[5] == " ".join(entry.event["message"].split("\n"))
    assert extension["externalId"] == entry.id
    assert extension["start"] == str(entry.event["time"])
    assert extension["suser"] == entry.event["actor"]["user"]["email_addr"]
    assert extension["msg"] == entry.event["message"]


def test_an_address_of_six_is_no_src_in_cef() -> None:
    _, extension = read_cef(fit(entry_of(SIGN_IN), FORMATS["cef"], ROOMY).data)

    assert "src" not in extension
    assert extension["c6a2"] == "2001:db8::17"
    assert extension["outcome"] == "failure"
    assert extension["reason"] == "wrong password"


@each("name", CASES)
def test_a_stranger_reads_from_syslog_whose_message_it_is(name: str) -> None:
    entry = CASES[name]()
    message = read_syslog(syslog.message(fit(entry, FORMATS["ocsf"], ROOMY), syslog.Header()))

    assert message.data["aoc@32473"] == {
        "id": entry.id, "revision": "1", "kind": entry.kind.value, "tenant": "contoso", "source": entry.source,
    }  # fmt: skip
    assert message.time == entry.timestamp
    assert message.text == entry.body
