"""What a search makes a server look at, on each kind of server that is installed here: little beside what it finds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local import engines, mongo
from aoc_cli.local.engines import ENGINES, Engine
from aoc_cli.local.ports import free_port
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    from aoc_common.store.mongo.client import Database

BENCH = Path(__file__).parents[2] / "bench"


def _queries() -> ModuleType:
    sys.path.insert(0, str(BENCH))
    try:
        return importlib.import_module("queries")
    finally:
        sys.path.remove(str(BENCH))


queries = _queries()

EVENTS = 2_000
#: Documents beside four for each that is found: an eighth of all.
BESIDE = 250


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database on a server of its own."""
    engine: Engine = request.param
    found = engines.installed(engine)
    if found is None:
        pytest.skip(f"needs {engine.program} on PATH")
    engines.write_mark(tmp_path, found)
    child = mongo.server(tmp_path, free_port(), auth=False, durable=False)
    child.start()
    try:
        child.wait_ready()
        async with connect(MongoSettings(uri=f"mongodb://127.0.0.1:{child.port}")) as one:
            yield one
    finally:
        child.stop()


async def test_every_filter_and_every_pair_looks_at_little_beside_what_it_finds(database: Database) -> None:
    await queries.seed(database, EVENTS, slim=True)
    figures = await queries.measure(database, 0, BESIDE)

    assert len(figures) > 250
    assert [one for one in figures if not one.bounded] == []
    # It is really looked at, and found.
    assert max(one.examined for one in figures if not one.query.startswith("facets")) > 51
    assert {one.found for one in figures if one.query == "text rare"} == {1}
