"""`aoc completeness` of a tenant that is paused; and what `aoc up` says about the licence."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from aoc_cli import up
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.tenants.administration import Change
from tenant_registry import Registry


def test_a_hole_in_a_pause_is_explained(command_line, registered, mongo_settings) -> None:
    registered("contoso")

    async def pause() -> None:
        async with connect(mongo_settings) as database:
            await ensure_indexes(database)
            await MongoSources(database).advance(
                "contoso", "o365-dlp", datetime(2026, 11, 23, tzinfo=UTC), datetime.now(UTC)
            )
            await Registry(database, SystemClock()).administration.pause("contoso", Change("d/kim"), paused=True)

    asyncio.run(pause())
    shown = command_line("completeness", "--tenant", "contoso").out
    [noted] = json.loads(command_line("completeness", "--tenant", "contoso", "--json").out)["pauses"]

    assert "paused contoso is paused since 20" in shown
    assert "nothing is collected; aoc tenants resume contoso" in shown
    assert (noted["until"], noted["since"][:2]) == (None, "20")


def test_up_names_a_licence_that_is_none(mongo_settings, monkeypatch) -> None:
    none = asyncio.run(up._licence_advice(mongo_settings))
    monkeypatch.setenv("AOC_LICENSE_KEY", "not.a.licence")
    wrong = asyncio.run(up._licence_advice(mongo_settings))

    assert none is None
    assert "AOC_LICENSE_KEY" in wrong
