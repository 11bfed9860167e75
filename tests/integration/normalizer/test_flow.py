"""Raw pages in, stored and published events out: on a real nats-server and a real MongoDB-protocol server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.errors import Permanent
from aoc_common.settings import TelemetrySettings
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.telemetry import tracing
from aoc_normalizer.mappers.base import Mapper
from aoc_normalizer.settings import NormalizerSettings
from reading import events_on_the_bus

if TYPE_CHECKING:
    from aoc_cli.local.process import Child
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def record(number: int, **more: object) -> dict[str, object]:
    return {
        "Id": f"r{number}",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": "Set-Mailbox",
        "RecordType": 1,
        "Workload": "Exchange",
        "UserId": "dana@contoso.example",
        "ResultStatus": "True",
        **more,
    }


def page(*records: object, slice_id: str = "contoso/s1", body: bytes | None = None) -> RawPage:
    return RawPage("contoso", "o365-exchange", slice_id, NOW, body or json.dumps(records).encode())


async def published_ids(nats_as) -> list[str]:
    """The message ids on AOC_EVENTS, read as a downstream tool would."""
    return [message.headers["Nats-Msg-Id"] for message in await events_on_the_bus(nats_as("reader"))]


async def test_each_record_is_stored_and_published_once(
    bus, normalizer, eventually, database: Database, nats_as
) -> None:
    await bus.send(page(record(1), record(2)), page(record(2), record(3), slice_id="contoso/s2"))
    async with normalizer():
        await eventually(bus.settled)

    assert await database["events"].count_documents({}) == 3
    assert len(await published_ids(nats_as)) == 3
    totals = [await MongoLedger(database).totals("contoso", name) for name in ("contoso/s1", "contoso/s2")]
    assert [(t.stored, t.duplicate) for t in totals] in ([(2, 0), (1, 1)], [(1, 1), (2, 0)])


async def test_pitfall_10_what_is_fetched_again_is_not_published_again(
    bus, normalizer, eventually, database: Database, nats_as
) -> None:
    async with normalizer():
        for slice_id in ("contoso/monday", "contoso/tuesday", "contoso/eight days later"):
            await bus.send(page(record(1), record(2), slice_id=slice_id))
            await eventually(bus.settled)

    assert await database["events"].count_documents({}) == 2
    assert len(await published_ids(nats_as)) == 2


@pytest.mark.slow
async def test_a_crash_between_insert_and_publish_loses_no_event_for_the_consumers(
    bus, normalizer, eventually, database: Database, nats_as, monkeypatch
) -> None:
    halfway = page(record(1), record(2), record(3))
    await bus.send(halfway)
    # The state that such a crash leaves: stored, with the page's id, but neither published nor acknowledged.
    from aoc_normalizer.normalise import normalise_page
    from aoc_normalizer.reading.records import RecordContext

    events, _ = normalise_page(page(record(1), record(2)).body, RecordContext("contoso", "o365-exchange", NOW))
    store = MongoEvents(database, lambda _t, _s: NormalizerSettings().retention.keep("contoso", "x"))
    await store.insert(events, [halfway.id] * 2)
    async with normalizer():
        await eventually(bus.settled)

    assert len(await published_ids(nats_as)) == 3
    assert (await MongoLedger(database).totals("contoso", "contoso/s1")).stored == 3


@pytest.mark.slow
async def test_an_event_that_another_page_had_stored_is_not_published_again(
    bus, normalizer, eventually, database: Database, nats_as
) -> None:
    from aoc_normalizer.normalise import normalise_page
    from aoc_normalizer.reading.records import RecordContext

    events, _ = normalise_page(page(record(1)).body, RecordContext("contoso", "o365-exchange", NOW))
    store = MongoEvents(database, lambda _t, _s: NormalizerSettings().retention.keep("contoso", "x"))
    await store.insert(events, ["another page"])
    await bus.send(page(record(1), record(2)))
    async with normalizer():
        await eventually(bus.settled)

    assert len(await published_ids(nats_as)) == 1


@pytest.mark.slow
async def test_what_is_no_record_is_put_aside_whole_and_the_rest_goes_in(
    bus, normalizer, eventually, database: Database
) -> None:
    body = b'[{"Id":"r1","CreationTime":"2026-11-23T07:30:00","Operation":"x","RecordType":1}, 42, {"Id": broken}]'
    await bus.send(page(body=body))
    async with normalizer():
        await eventually(bus.settled)

    put_aside = await MongoQuarantine(database).list("contoso", "contoso/s1", 10)
    assert await database["events"].count_documents({}) == 1
    assert sorted(entry.text for entry in put_aside) == ["42", '{"Id": broken}']
    assert (await MongoLedger(database).totals("contoso", "contoso/s1")).quarantined == 2


@pytest.mark.slow
async def test_what_is_no_record_waits_for_one_decision_however_often_it_is_fetched(
    bus, normalizer, eventually, database: Database
) -> None:
    for slice_id in ("contoso/s1", "contoso/s2", "contoso/s3"):
        await bus.send(page(body=b'[{"Id": broken}]', slice_id=slice_id))
    async with normalizer():
        await eventually(bus.settled)

    totals = [await MongoLedger(database).totals("contoso", f"contoso/s{number}") for number in (1, 2, 3)]
    assert [one.quarantined for one in totals] == [1, 1, 1]
    assert [entry.text for entry in await MongoQuarantine(database).list("contoso", None, 10)] == ['{"Id": broken}']


@pytest.mark.slow
async def test_a_record_of_five_megabytes_is_stored_whole_and_announced(
    bus, normalizer, eventually, database: Database, nats_as
) -> None:
    await bus.send(page(record(1, Blob="x" * 5_000_000)))
    async with normalizer():
        await eventually(bus.settled, 30)

    stored = await database["events"].find_one({})
    assert len(stored["raw"]) > 5_000_000
    assert len(await published_ids(nats_as)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["AzureActiveDirectory", "Exchange"])
async def test_a_record_with_a_hundred_thousand_modified_properties_is_stored_whole(
    bus, normalizer, eventually, database: Database, nats_as, workload: str
) -> None:
    changed = [{"Name": f"p{number}", "NewValue": "b", "OldValue": ""} for number in range(100_000)]
    large = record(1, Workload=workload, Operation="Update user.", ModifiedProperties=changed)
    await bus.send(page(large, record(2)))
    async with normalizer():
        await eventually(bus.settled, 30)

    stored = await database["events"].find_one({"event.metadata.uid": "r1"})
    assert json.loads(stored["raw"]) == large
    assert len(await published_ids(nats_as)) == 2


@pytest.mark.slow
async def test_a_record_without_id_or_time_is_stored_once_and_says_so(
    bus, normalizer, eventually, database: Database
) -> None:
    bare = {name: value for name, value in record(1).items() if name not in {"Id", "CreationTime"}}
    await bus.send(page(bare), page(bare, slice_id="contoso/s2"))
    async with normalizer():
        await eventually(bus.settled)

    [stored] = await database["events"].find({}).to_list(None)
    assert set(stored["tags"]) == {"no-id", "no-time"}
    assert stored["time"].timestamp() == 0


@pytest.mark.slow
async def test_a_record_that_no_document_can_hold_is_put_aside_and_its_page_goes_on(
    bus, normalizer, eventually, database: Database, monkeypatch
) -> None:
    original = MongoEvents.encoded

    def spoilt(self, event, page):
        if '"r2"' in event.raw:
            event.ocsf["nul\x00key"] = 1
        return original(self, event, page)

    monkeypatch.setattr(MongoEvents, "encoded", spoilt)
    await bus.send(page(record(1), record(2), record(3)))
    async with normalizer():
        await eventually(bus.settled)

    [entry] = await MongoQuarantine(database).list("contoso", "contoso/s1", 10)
    assert await database["events"].count_documents({}) == 2
    assert json.loads(entry.text)["Id"] == "r2"


async def test_a_record_that_the_store_refuses_is_put_aside_and_its_page_goes_on(
    bus, normalizer, eventually, database: Database, monkeypatch
) -> None:
    original = MongoEvents.insert_encoded

    async def refuse_one(self, documents):
        if any(b'"r2"' in document for document in documents):
            raise Permanent("events: too large")
        return await original(self, documents)

    monkeypatch.setattr(MongoEvents, "insert_encoded", refuse_one)
    await bus.send(page(record(1), record(2), record(3)))
    async with normalizer():
        await eventually(bus.settled)

    [entry] = await MongoQuarantine(database).list("contoso", "contoso/s1", 10)
    assert await database["events"].count_documents({}) == 2
    assert (json.loads(entry.text)["Id"], entry.reason) == ("r2", "events: too large")


@pytest.mark.slow
async def test_a_message_that_is_no_raw_page_goes_to_the_dead_letters(bus, normalizer, eventually, nats_as) -> None:
    await publish_all(
        bus.js,
        subjects.RAW_STREAM,
        [Outgoing(subjects.raw("contoso", "o365-exchange"), b"[]", {"Aoc-Tenant": "contoso"})],
    )
    async with normalizer():
        await eventually(bus.settled)

        async def one_dead_letter() -> bool:
            return (await bus.js.stream_info(subjects.DLQ_STREAM)).state.messages == 1

        await eventually(one_dead_letter)


async def test_hostile_names_and_values_are_stored_and_come_back_unchanged(
    bus, normalizer, eventually, database: Database
) -> None:
    hostile = record(1, **{"$where": "1", "a.b.c": {"$gt": ""}, "nul\x00": "v\x00", "": [], "__proto__": {"x": 1}})
    await bus.send(page(hostile))
    async with normalizer():
        await eventually(bus.settled)

    stored = await database["events"].find_one({})
    assert json.loads(stored["raw"]) == hostile
    assert json.loads(stored["unmapped"])["a.b.c"] == {"$gt": ""}


@pytest.mark.slow
async def test_a_record_that_a_mapper_stumbles_over_is_stored_and_kept_for_the_developer(
    bus, normalizer, eventually, database: Database, monkeypatch
) -> None:
    def stumble(_record, _draft) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("aoc_normalizer.reading.records.recognise", lambda _: Mapper("unlucky", 1, bool, stumble))
    await bus.send(page(record(1)))
    async with normalizer():
        await eventually(bus.settled)

    stored = await database["events"].find_one({})
    kept = await database["quarantine"].find_one({})
    assert (stored["mapper"], stored["tags"]) == ("generic", ["mapper-error"])
    assert json.loads(kept["text"]) == record(1)
    assert kept["reason"] == "unlucky: ZeroDivisionError: a defect"


async def test_a_probe_says_when_the_bus_is_away(normalizer, bus, nats_server: Child, eventually) -> None:
    async with normalizer() as probes:
        well = {name: await probe() for name, probe in probes.items()}
        nats_server.kill()

        async def says() -> bool:
            return await probes["nats"]() == "not connected"

        await eventually(says)
    nats_server.start()
    nats_server.wait_ready()

    assert well == {"nats": None, "mongo": None, "workers": None, "background": None, "standing": None}


@pytest.mark.slow
async def test_one_trace_leads_from_the_page_to_the_insert_and_the_event(
    bus, normalizer, eventually, monkeypatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = tracing.make_provider("test", TelemetrySettings(), SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", lambda: provider.get_tracer("aoc"))
    with provider.get_tracer("aoc").start_as_current_span("raw.publish") as span:
        trace_id = span.get_span_context().trace_id
        await bus.send(page(record(1)))
    async with normalizer():
        await eventually(bus.settled)

    names = {found.name for found in exporter.get_finished_spans() if found.context.trace_id == trace_id}
    assert names >= {"raw.publish", "normalise.page", "events.insert"}
