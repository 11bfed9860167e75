"""Versions of events that a lost page stored, or a write that was answered in part, or that came beside a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from pymongo.errors import AutoReconnect
from tests.integration.normalizer.test_versions import current

from aoc_common.errors import AocError
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.lost_pages import MongoLostPages
from aoc_common.store.page_ledger import SliceTotals
from aoc_common.store.pages import PublishedPage
from replica import AUDIT, HOUR, NOW, RISKY, SIGN_IN, Replica

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database


@pytest.fixture
async def replica(database: Database) -> Replica:
    await ensure_indexes(database)
    return Replica(database)


async def test_a_version_that_a_lost_page_stored_and_did_not_show_is_published_by_who_brings_it_again(
    replica, database, monkeypatch
) -> None:
    await replica.takes("a", SIGN_IN)
    dying = Replica(database, replica.stream)

    async def dead(_current):
        raise AocError("killed")

    monkeypatch.setattr(dying._writer._dedupe._versions, "show", dead)
    lost = await dying.mapped("b", RISKY, fetched=NOW + HOUR)
    with pytest.raises(AocError):
        await dying.write(lost)
    await replica.ledger.open_slice("contoso/b", "contoso", "graph-signins", NOW, NOW + HOUR)
    page = lost.page
    await replica.ledger.note_pages([PublishedPage(page.id, page.tenant, page.source, page.slice_id, 1, NOW)])
    await MongoLostPages(database).mark_lost(page.slice_id, [page.id], NOW)
    # Only who brings that version makes it its own.
    await replica.takes("c", SIGN_IN)
    again = await replica.takes("d", RISKY, fetched=NOW + 2 * HOUR)

    assert (again.changed, again.duplicate, len(replica.stream)) == (1, 0, 2)
    assert await replica.takes("e", RISKY, fetched=NOW + 3 * HOUR) == SliceTotals(pages=1, duplicate=1)


async def test_a_version_that_a_lost_page_stored_and_nobody_brings_again_is_published_with_the_one_that_follows(
    replica, database, monkeypatch
) -> None:
    dying = Replica(database, replica.stream)

    async def dead(_pages):
        raise AocError("killed")

    monkeypatch.setattr(dying._writer, "_publish", dead)
    lost = await dying.mapped("a", SIGN_IN, AUDIT | {"Id": "other"})
    with pytest.raises(AocError):
        await dying.write(lost)
    await replica.ledger.open_slice("contoso/a", "contoso", "graph-signins", NOW, NOW + HOUR)
    page = lost.page
    await replica.ledger.note_pages([PublishedPage(page.id, page.tenant, page.source, page.slice_id, 1, NOW)])
    await MongoLostPages(database).mark_lost(page.slice_id, [page.id], NOW)
    again = await dying.mapped("b", RISKY, fetched=NOW + HOUR)
    with pytest.raises(AocError):
        await dying.write(again)
    await replica.write(again)
    totals = await replica.ledger.totals("contoso", "contoso/b")
    later = await replica.takes("c", RISKY, SIGN_IN, fetched=NOW + 2 * HOUR)

    assert (totals.stored, totals.changed, totals.duplicate) == (1, 1, 0)
    assert (later.stored, later.changed, later.duplicate) == (0, 0, 2)
    assert sorted(headers["Aoc-Version"] for headers in replica.stream.values()) == ["1", "2"]


async def test_a_version_whose_copy_was_refused_in_a_bulk_is_copied_before_another_is_shown(
    replica, database, monkeypatch
) -> None:
    await replica.takes("a", SIGN_IN)
    dying = Replica(database)
    store: Any = dying._writer._dedupe._versions
    insert = store._versions.insert_many

    class Partly:
        def __getattr__(self, name):
            return getattr(database["event_versions"], name)

        async def insert_many(self, documents, **options):
            await insert(documents[1:], **options)
            raise AutoReconnect("the shard of the first document is away")

    monkeypatch.setattr(store, "_versions", Partly())
    with pytest.raises(AocError):
        await dying.takes("b", RISKY, fetched=NOW + HOUR)
    await replica.takes("b", RISKY, fetched=NOW + HOUR)
    kept = await database["event_versions"].find({}).sort("number", 1).to_list(None)

    assert [orjson.loads(one["raw"])["riskLevelDuringSignIn"] for one in kept] == ["none", "high"]
    assert [(one["version"], one["versions"]) for one in await current(database)] == [(2, 2)]


async def test_a_link_to_a_twin_that_is_written_while_a_version_is_compared_stays(
    replica, database, monkeypatch
) -> None:
    await replica.takes("a", SIGN_IN)
    other = Replica(database)
    store = other._writer._dedupe._versions
    add = store.add

    async def meanwhile(versions):
        await add(versions)
        await database["events"].update_one({}, {"$set": {"twin": "another"}})

    monkeypatch.setattr(store, "add", meanwhile)
    show = store.show

    async def linked(shown):
        if not await database["events"].find_one({"twin_of": {"$exists": True}}):
            await database["events"].update_one({}, {"$set": {"twin_of": "a third"}})
        await show(shown)

    monkeypatch.setattr(store, "show", linked)
    await other.takes("b", RISKY, fetched=NOW + HOUR)
    [event] = await current(database)

    assert (event["version"], event["twin"], event["twin_of"]) == (2, "another", "a third")
