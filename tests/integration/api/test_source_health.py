"""The health of sources, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.contracts.troubles import Trouble
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
async def sources(database) -> MongoSources:
    await ensure_indexes(database)
    return MongoSources(database)


@pytest.fixture
def health(gateway):
    """`await health()`: source -> its health, of contoso."""

    async def ask():
        answer = await gateway.get("/api/source-health", tenant="contoso")
        assert answer.status_code == 200
        return {source["source"]: source for source in answer.json()["sources"]}

    return ask


async def test_a_missing_permission_is_red_and_named_and_others_are_green(health, sources) -> None:
    await sources.advance("contoso", "graph-intune", NOW - timedelta(minutes=1), NOW)
    await sources.note_error(
        "contoso", "graph-signins", "Refused: 403", NOW, trouble=Trouble.NO_PERMISSION, code="Forbidden"
    )

    found = await health()
    assert (found["graph-intune"]["state"], found["graph-intune"]["lag_s"]) == ("green", 60)
    assert (found["graph-signins"]["state"], found["graph-signins"]["error_class"]) == ("red", "no-permission")
    assert "AuditLog.Read.All" in found["graph-signins"]["next_action"]


async def test_a_source_that_nobody_collects_any_more_is_red(health, sources) -> None:
    await sources.advance("contoso", "graph-intune", NOW - timedelta(hours=2), NOW - timedelta(hours=2))

    [reason] = (await health())["graph-intune"]["reasons"]
    assert reason == "stalled: not collected since 2026-11-23T06:00:00Z"


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "state"), [(30, "green"), (20, "yellow"), (5, "red")])
async def test_content_is_warned_of_before_microsoft_deletes_it(health, sources, database, hours, state) -> None:
    await sources.advance("contoso", "o365-exchange", NOW, NOW)
    blob = ContentBlob("b1", "uri", NOW - timedelta(days=6), NOW + timedelta(hours=hours))
    await MongoLedger(database).listed("contoso", "o365-exchange", [blob], NOW)

    assert (await health())["o365-exchange"]["state"] == state


async def test_a_success_clears_the_class(health, sources) -> None:
    await sources.note_error("contoso", "graph-alerts", "Throttled: 429", NOW, trouble=Trouble.THROTTLED)
    throttled = (await health())["graph-alerts"]
    await sources.advance("contoso", "graph-alerts", NOW, NOW)

    assert (throttled["state"], throttled["error_class"], throttled["next_action"]) == ("yellow", "throttled", None)
    assert ((await health())["graph-alerts"]["state"], (await health())["graph-alerts"]["error_class"]) == (
        "green",
        None,
    )


async def test_the_health_of_another_tenant_is_not_told(health, sources) -> None:
    await sources.advance("fabrikam", "graph-alerts", NOW, NOW)

    assert await health() == {}
