"""An OpenTelemetry collector reads what the sink sends, in either encoding."""

from __future__ import annotations

import pytest

import otel_collector
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.outcome import Accepted
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from receiving import LOCAL
from siem_entries import item, items

COUNT = 300


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
async def test_each_record_is_there_once_with_its_attributes_time_and_body(tmp_path, eventually, encoding: str) -> None:
    if (command := otel_collector.found()) is None:
        pytest.skip("needs otelcol")
    # One of which 64 bits of nanoseconds cannot say when, and one of another tenant.
    others = [item(COUNT + 1, time_ms=(1 << 48) - 1), item(COUNT + 2, tenant="fabrikam")]
    sent = [*items(COUNT), *others]
    with otel_collector.collector(command, tmp_path) as collector:
        sink = Otlp(OtlpOptions(url=collector.url, encoding=encoding, http=LOCAL))
        outcomes = await deliver(sink, sent)
        await sink.close()
        await eventually(lambda: len(collector.records()) >= len(sent))
        records = collector.records()

    assert set(outcomes) == {Accepted()}
    assert len(records) == len(sent)
    for number, (one, record) in enumerate(zip(sent, records, strict=True), 1):
        assert f"-> event.id: Str({one.entry.id})" in record
        assert "-> event.revision: Int(1)" in record
        assert f'"message":"number {number}"' in record
    assert "Timestamp: 2026-11-23 " in records[0]
    assert "Timestamp: 1970-01-01 00:00:00" in records[COUNT]
    assert "-> aoc.tenant: Str(fabrikam)" in records[COUNT]
