"""A gateway that is killed while it answers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from aoc_cli.local.ports import free_port
from aoc_cli.trail_check import TrailCheck
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import Database, ensure_indexes
from signing_in import bearer, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aoc_common.settings import MongoSettings

pytestmark = pytest.mark.slow


@contextmanager
def gateway(settings: MongoSettings, spool: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    env = clean | {
        "AOC_MONGO__URI": settings.uri,
        "AOC_MONGO__DATABASE": settings.database,
        "AOC_NATS__URL": "nats://127.0.0.1:1",
        "AOC_API__PORT": str(port),
        "AOC_API__AUDIT__SPOOL": str(spool),
    }
    process = subprocess.Popen([sys.executable, "-m", "aoc_api"], env=env, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


async def ready(client: httpx.AsyncClient, base: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if (await client.get(f"{base}/livez")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


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
            with gateway(mongo_settings, tmp_path / "spool") as (base, process):
                await ready(client, base)
                first = await client.get(f"{base}/api/source-health", params={"tenant": "contoso"}, timeout=30)
                assert first.status_code == 200, first.text
                asking = [asyncio.create_task(ask(client, base)) for _ in range(8)]
                await asyncio.sleep(after_s)
                process.kill()
                await asyncio.gather(*asking)
        assert len(answered) > 5
        with gateway(mongo_settings, tmp_path / "spool") as (base, _):
            await ready(client, base)

            async def all_there() -> bool:
                entries = await trail.search(AuditQuery("contoso", limit=100_000))
                return answered <= {entry.event["metadata"]["correlation_uid"] for entry in entries}

            await eventually(all_there)

    verdict = await TrailCheck(trail, heads, "contoso", datetime.now(UTC)).run([])
    assert verdict.faults == []
    assert verdict.entries >= len(answered)
