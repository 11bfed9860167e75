"""Records that lost something on their way, and containers: what is stored of them, and what a whole copy changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.imports import imported_pages
from replica import HOUR, NOW, Replica

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

WHOLE = {
    "Id": "r1",
    "CreationTime": "2026-11-20T10:00:00",
    "Operation": "New-InboxRule",
    "RecordType": 1,
    "Workload": "Exchange",
    "UserId": "kim@contoso.example",
    "ObjectId": "Müller",
    "Parameters": [{"Name": "ForwardTo", "Value": "x@bad.example"}, {"Name": "MoveToFolder", "Value": "RSS Feeds"}],
}
COLUMNS = {"CreationDate": "2026-11-20T10:00:00Z", "Operations": "New-InboxRule", "UserIds": "kim@contoso.example"}


def cut(length: int) -> dict[str, Any]:
    return {**COLUMNS, "AuditData": json.dumps(WHOLE)[:-length]}


@pytest.fixture
async def replica(database: Database) -> Replica:
    await ensure_indexes(database)
    return Replica(database)


async def message(database: Database) -> str:
    [event] = await database["events"].find({}).to_list(None)
    return str(event["event"]["message"])


async def test_a_whole_record_takes_the_place_of_one_that_was_cut_and_is_published(replica, database) -> None:
    first = await replica.takes("a", cut(20))
    assert "RSS" not in await message(database)
    whole = await replica.takes("b", WHOLE, fetched=NOW + HOUR)
    again = [await replica.takes(name, record) for name, record in (("c", cut(20)), ("d", WHOLE), ("e", cut(40)))]

    assert (first.stored, whole.stored, whole.changed) == (1, 0, 1)
    assert [(one.stored, one.changed, one.duplicate) for one in again] == [(0, 0, 1)] * 3
    assert "moving to folder RSS Feeds" in await message(database)
    assert len(replica.sent) == 2


async def test_what_is_left_of_a_record_never_takes_the_place_of_the_whole_one(replica, database) -> None:
    await replica.takes("a", WHOLE)
    later = await replica.takes("b", cut(20), fetched=NOW + HOUR)
    both = await replica.takes("c", cut(20), WHOLE, cut(50), fetched=NOW + HOUR)

    assert (later.duplicate, later.changed, both.duplicate, both.changed) == (1, 0, 3, 0)
    assert "RSS Feeds" in await message(database)


async def test_the_same_record_with_its_letters_repairs_what_is_stored(replica, database) -> None:
    damaged = {**WHOLE, "ObjectId": "M\N{REPLACEMENT CHARACTER}ller"}
    await replica.takes("a", damaged)
    [before] = await database["events"].find({}).to_list(None)
    second = await replica.takes("b", WHOLE, fetched=NOW + HOUR)
    [after] = await database["events"].find({}).to_list(None)
    third = await replica.takes("c", damaged, fetched=NOW + 2 * HOUR)

    assert "invalid-utf8" in before["tags"]
    assert "tags" not in after
    assert [(one.changed, one.duplicate) for one in (second, third)] == [(0, 1)] * 2
    assert "M\N{REPLACEMENT CHARACTER}ller" not in json.dumps(after["event"], default=str, ensure_ascii=False)


async def test_a_container_on_the_bus_is_opened_and_its_records_are_compared_one_by_one(replica, database) -> None:
    records = [{**WHOLE, "Id": f"r{number}"} for number in range(3)]
    first = await replica.takes("a", {"records": records})
    changed = [{**records[0], "ObjectId": "Other"}, records[1], {**records[2], "ObjectId": "Third"}]
    second = await replica.takes("b", {"value": changed, "Count": 3}, fetched=NOW + HOUR)
    unknown = await replica.takes("c", {"entries": records, "others": records})

    assert (first.stored, first.duplicate) == (3, 0)
    assert (second.changed, second.duplicate) == (2, 1)
    assert (unknown.stored, unknown.quarantined) == (0, 1)
    texts = [one["raw"] async for one in database["event_versions"].find({})]
    assert all("records" not in text and "value" not in text[:10] for text in texts)


async def test_what_an_import_brought_is_told_by_page(database) -> None:
    await ensure_indexes(database)
    replica = Replica(database)
    strange = {"colour": "blue"}
    await replica.takes(
        "a", WHOLE, {**WHOLE, "Id": "r2", "CreationTime": "2026-11-21T10:00:00"}, strange, source="import"
    )
    [page] = await imported_pages(database, "contoso", "contoso/a")

    facts = page.facts
    assert (page.stored, facts.not_understood, facts.undated) == (3, 1, 1)
    assert (facts.first.isoformat(), facts.last.isoformat()) == (
        "2026-11-20T10:00:00+00:00",
        "2026-11-21T10:00:00+00:00",
    )
    assert facts.operations[0] == ("New-InboxRule", 2)
    assert facts.actors == (("kim@contoso.example", 2),)
    assert facts.services[0] == ("exchange", 2)
    assert facts.examples.keys() == {"not_understood", "undated"}
