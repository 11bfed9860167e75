"""A gateway that is killed while it answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from aoc_cli.trail_check import TrailCheck
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import Database, ensure_indexes
from gateway_process import gateway_process
from signing_in import bearer, make_key

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.settings import MongoSettings

pytestmark = pytest.mark.slow


async def test_no_entry_of_an_answered_request_is_lost_and_no_chain_breaks(
    database: Database, mongo_settings: MongoSettings, tmp_path: Path, eventually
) -> None:
    await ensure_indexes(database, ("events", "vocabulary", "audit_trail", "audit_heads"))
    trail, heads = MongoAuditTrail(database), MongoAuditHeads(database)
    answered: set[str] = set()
    headers = bearer(await make_key(database))

    async def ask(client: httpx.AsyncClient, base: str) -> None:
        while True:
            try:
                answer = await client.get(f"{base}/api/source-health", params={"tenant": "contoso"})
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                answered.add(answer.headers["x-request-id"])

    async with httpx.AsyncClient(headers=headers) as client:
        for after_s in (0.05, 0.3, 0.7):
            with gateway_process(mongo_settings, tmp_path / "spool") as (base, process):
                first = await client.get(f"{base}/api/source-health", params={"tenant": "contoso"}, timeout=30)
                assert first.status_code == 200, first.text
                asking = [asyncio.create_task(ask(client, base)) for _ in range(8)]
                await asyncio.sleep(after_s)
                process.kill()
                await asyncio.gather(*asking)
        assert len(answered) > 5
        with gateway_process(mongo_settings, tmp_path / "spool") as (base, _):

            async def all_there() -> bool:
                entries = await trail.search(AuditQuery("contoso", limit=100_000))
                return answered <= {entry.event["metadata"]["correlation_uid"] for entry in entries}

            await eventually(all_there)

    verdict = await TrailCheck(trail, heads, "contoso", datetime.now(UTC)).run([])
    assert verdict.faults == []
    assert verdict.entries >= len(answered)
