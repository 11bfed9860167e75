"""What `aoc sinks test` sends is what the sink would send: also in the shapes that a format has for some sources."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from aoc_common.contracts.sinks import read_sink
from aoc_exporter import trial
from aoc_exporter.formats import FORMATS
from aoc_exporter.item import fit
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from siem_entries import ROOMY

if TYPE_CHECKING:
    from aoc_exporter.entry import Entry

TICKET = UUID("aaaaaaaa-1111-4111-8111-00000000000a")
NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)


def sent(form: str) -> list[Entry]:
    sink = read_sink({"name": "siem", "kind": "elastic", "options": {"url": "https://e.example"}, "format": form})
    return trial.entries(sink, "contoso", TICKET, NOW)


def test_a_format_with_shapes_of_its_own_is_tried_in_each_of_them() -> None:
    sink = Elastic(ElasticOptions(url="https://elastic.example"))
    tried = sent("elastic")
    framed = sink.framed([fit(entry, FORMATS["elastic"], ROOMY) for entry in tried])

    assert [line.split(b'"')[5].decode() for line in framed.splitlines()[::2]] == [
        "logs-aoc.event-contoso",
        "logs-o365.audit-contoso",
        "logs-azure.signinlogs-contoso",
        "logs-azure.auditlogs-contoso",
    ]
    assert framed.count(b"AOC test") >= len({entry.key for entry in tried}) == 4


def test_in_every_other_format_one_event_is_sent() -> None:
    others = [form for form in FORMATS if form != "elastic"]

    assert [[entry.id for entry in sent(form)] for form in others] == [[str(TICKET)]] * 4


def test_a_test_has_passed_when_all_was_taken_else_the_first_refusal_is_told() -> None:
    entries = sent("elastic")
    refusals = [Accepted(), Accepted(), Refused("403 on logs-azure.signinlogs-contoso"), Retry("slow")]

    assert trial.result_of(entries, [Accepted()] * 4) == {"accepted": True, "id": str(TICKET), "words": "accepted"}
    assert trial.result_of(entries, refusals) == {
        "accepted": False, "id": str(TICKET), "words": "403 on logs-azure.signinlogs-contoso"
    }  # fmt: skip
