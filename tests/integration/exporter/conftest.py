"""An exporter in this process, on real servers, with its own user of the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aoc_common.bus import continuity
from aoc_exporter import flow
from exporter_bench import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def bench(nats_as, database, mongo_settings, tmp_path, monkeypatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(continuity, "LOOK_S", 0.1)
    monkeypatch.setattr(flow, "_LOOK_S", 0.1)
    folder = tmp_path / "secrets"
    folder.mkdir()
    made = Bench(nats_as, database, mongo_settings, folder)
    await made.start()
    yield made
    await made.stop()
