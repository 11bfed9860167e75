"""A gateway that stops while its store is away."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aoc_api.audit.acts import Act, Action
from aoc_api.parts.audit import auditing
from aoc_api.settings import AuditOptions
from aoc_common.bus.broker import make_broker
from aoc_common.clock import SystemClock
from aoc_common.settings import MongoSettings, NatsSettings
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from pathlib import Path

ACT = Act(action=Action("events.search", "read"), at=datetime(2026, 11, 27, tzinfo=UTC), status=200, request_id="r1")


def spools(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.glob("*.spool")]


async def test_it_waits_for_nothing_and_keeps_what_it_noted(tmp_path: Path) -> None:
    options, broker = AuditOptions(spool=tmp_path), make_broker(NatsSettings(url="nats://127.0.0.1:1"), "api")
    async with connect(MongoSettings(uri="mongodb://127.0.0.1:1"), 10.0) as database:
        async with auditing(options, database, broker, SystemClock()) as trail:
            noted = trail.note(ACT)
            began = time.monotonic()
        stopped_s = time.monotonic() - began

    (kept,) = spools(tmp_path)
    assert stopped_s < 3
    assert kept.startswith(noted.text.encode() + b"\n")
