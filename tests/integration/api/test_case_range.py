"""A case, of which everything was imported, is looked at over its own time and not over an empty last day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.store.imports import ImportAccount, ImportState
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.sources import MongoSources

#: The gateway's clock in these tests.
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FIRST, LAST = NOW - timedelta(hours=9_000), NOW - timedelta(hours=8_000)


@pytest.fixture
async def case(database, store, event) -> None:
    """Two events of last year, and the import that brought them."""
    await store(event("a", hours=9_000), event("b", hours=8_000, actor="eve"))
    begun = ImportAccount("i", "contoso", NOW, "dana", "bench", "0.1.0", "/case", ("a.csv",), 1)
    await MongoImports(database).begin(begun)
    ended = replace(begun, state=ImportState.ENDED, ended_at=NOW, records=2, new=2, first=FIRST, last=LAST)
    await MongoImports(database).end(ended, ())


def counted(answer) -> int:
    return sum(value["count"] for value in answer.json()["facets"]["source"])


async def test_without_a_start_the_whole_case_is_counted(case, gateway) -> None:
    answer = await gateway.get("/api/facets")
    until = await gateway.get("/api/facets", end=(FIRST + timedelta(hours=1)).isoformat())
    since = await gateway.get("/api/facets", start=(LAST - timedelta(hours=1)).isoformat())

    assert (counted(answer), counted(until), counted(since)) == (2, 1, 1)
    assert datetime.fromisoformat(answer.json()["start"]) == FIRST
    assert datetime.fromisoformat(answer.json()["end"]) == LAST + timedelta(milliseconds=1)
    assert since.json()["end"] is None


async def test_an_end_before_the_case_is_a_day_as_ever(case, gateway) -> None:
    end = FIRST - timedelta(days=9)
    answer = await gateway.get("/api/facets", end=end.isoformat())

    assert (counted(answer), datetime.fromisoformat(answer.json()["start"])) == (0, end - timedelta(days=1))


async def test_a_tenant_that_is_collected_from_has_its_last_day_whatever_was_imported(case, database, gateway) -> None:
    await MongoSources(database).advance("contoso", "graph-signins", NOW, NOW)
    answer = await gateway.get("/api/facets")

    assert (counted(answer), answer.json()["start"]) == (0, "2026-11-22T08:00:00Z")
