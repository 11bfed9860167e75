"""A large record is stored, published within bounds, and its slice settles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import _PASSWORDS, running

from aoc_cli.local import nats
from aoc_cli.local.ports import free_port
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.remarks import MongoRemarks
from aoc_common.store.mongo.tenant_ids import MongoTenantIds
from aoc_common.store.slices import SliceFetched
from aoc_normalizer import metrics
from reading import events_on_the_bus

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OURS, THEIRS = "3fe4ff9b-0a72-4c2d-9d8f-5faa9b9dbad8", "9b1762d6-2667-4c2d-ad8f-5faa9b9dbad8"
LEAVES = json.dumps({f"leaf{number}": number for number in range(100)})


@pytest.fixture
def nats_server(tmp_path: Path):
    """A server as NATS comes: with a max_payload of 1 MiB."""
    child = nats.server(tmp_path / "nats", free_port(), _PASSWORDS, 1024 * 1024)
    with running(child):
        yield child


def change(number: int, *properties: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {
            "Id": f"r{number}",
            "CreationTime": "2026-11-23T07:30:00",
            "Operation": "Update user.",
            "RecordType": 8,
            "Workload": "AzureActiveDirectory",
            "UserId": "dana@contoso.example",
            "ObjectId": "sam@contoso.example",
            "ModifiedProperties": properties,
            **more,
        }
    ).encode()


def property_of(name: str, new: Any, old: Any = "") -> dict[str, Any]:
    return {"Name": name, "OldValue": old, "NewValue": new}


RECORDS = [
    change(1, property_of("p", json.dumps({"n" * 43_000: json.loads(LEAVES)}))),
    change(2, *(property_of("p", json.dumps({f"{'n' * 2_500}{n}": json.loads(LEAVES)})) for n in range(60))),
    change(3, *(property_of(f"p{number}", ["v" * 900] * 50) for number in range(15))),
    change(4, **{f"p{number}": number for number in range(40_000)}),
    change(5, property_of("\u200b" * 5_000, LEAVES), Rest="x" * 700_000),
    change(6, property_of("p", "[" * 100 + "]" * 100), Deep=[[[["y" * 1000] * 5] * 5] * 5] * 3),
    change(7, property_of("Department", "Legal", "Sales")),
]


@pytest.mark.slow
async def test_an_account_of_records_that_fill_everything_is_complete_and_each_is_published(
    bus, normalizer, eventually, database: Database, nats_as, schema_faults
) -> None:
    slice_id = "contoso/import/s1"
    ledger = MongoLedger(database)
    await ledger.open_slice(slice_id, "contoso", "import", NOW, NOW)
    pages = [RawPage("contoso", "import", slice_id, NOW, b"[" + record + b"]") for record in RECORDS]
    await ledger.slice_fetched(SliceFetched(slice_id, len(pages), len(pages), NOW))
    await bus.send(*pages)
    async with normalizer():
        await eventually(bus.settled, 30)

    stored = {one["event"]["metadata"]["uid"]: one async for one in database["events"].find({})}
    messages = {
        event["metadata"]["uid"]: (message, event)
        for message in await events_on_the_bus(nats_as("reader"))
        for event in [json.loads(message.data)]
    }
    assert sorted(stored) == sorted(messages) == [f"r{number}" for number in range(1, 8)]
    assert [stored[f"r{number}"]["raw"].encode() for number in range(1, 8)] == RECORDS
    assert max(len(message.data) for message, _ in messages.values()) < 1024 * 1024
    assert {uid for uid, (message, _) in messages.items() if "Aoc-Truncated" in message.headers} <= {"r3", "r4", "r5"}
    for uid, (_, event) in messages.items():
        assert schema_faults(event) == []
        assert event["metadata"].get("labels", []) == stored[uid].get("tags", [])
    assert {uid for uid, one in stored.items() if "cut-name" in one.get("tags", [])} == {"r1", "r2", "r5"}
    assert "tags" not in stored["r7"]
    await MongoAccount(database).settle(NOW, 100)
    totals = await ledger.totals("contoso", slice_id)
    assert (totals.stored, totals.quarantined, totals.dead_lettered) == (7, 0, 0)
    assert (await bus.js.stream_info(subjects.DLQ_STREAM)).state.messages == 0


async def test_another_tenants_record_is_a_tag_a_metric_and_a_remark_that_is_counted_once(
    bus, normalizer, eventually, database: Database
) -> None:
    await MongoTenantIds(database).record({"contoso": OURS})
    counted = metrics.REMARKS.labels("o365-azuread", "foreign-tenant")
    before = counted._value.get()
    body = b"[" + b",".join([change(1, OrganizationId=THEIRS), change(2, OrganizationId=OURS), change(3)]) + b"]"
    async with normalizer():
        for name in ("s1", "s2"):
            await bus.send(RawPage("contoso", "o365-azuread", f"contoso/o365-azuread/{name}", NOW, body))
            await eventually(bus.settled)

    tagged = [one["event"]["metadata"]["uid"] async for one in database["events"].find({"tags": "foreign-tenant"})]
    [remark] = await MongoRemarks(database).since(NOW.replace(year=2000), 10)
    assert tagged == ["r1"]
    assert (remark.tenant, remark.source, remark.kind, remark.count) == (
        "contoso",
        "o365-azuread",
        "foreign-tenant",
        1,
    )
    assert counted._value.get() - before == 1
