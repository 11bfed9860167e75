"""A data directory moves to another engine whole, or stays as it was."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aoc_cli import data
from aoc_cli.local import engines, mongo
from aoc_cli.local.engines import SECANTUS_RS, SECANTUSDB, Installed
from aoc_cli.local.ports import free_port
from aoc_cli.local.stack import DataDirectory, Endpoints
from aoc_common.errors import BadConfiguration, Permanent
from aoc_common.store.mongo import copying
from aoc_common.store.mongo.client import connect, ensure_indexes, missing_indexes
from aoc_common.store.mongo.copying import Copied
from aoc_common.store.mongo.events import MongoEvents
from making import NOW, an_event
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aoc_common.settings import MongoSettings


pytestmark = pytest.mark.slow

#: Where there is no second engine, the same program under another name.
OTHER = replace(SECANTUSDB, name="other")


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """The engine to move to."""
    if found := engines.installed(SECANTUS_RS):
        return found
    monkeypatch.setattr(engines, "ENGINES", (*engines.ENGINES, OTHER))
    whole = engines.required(SECANTUSDB)
    installed = engines.installed
    monkeypatch.setattr(
        engines, "installed", lambda one: replace(whole, engine=OTHER) if one is OTHER else installed(one)
    )
    return replace(whole, engine=OTHER)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDirectory:
    """A directory of SecantusDB with 700 events."""
    monkeypatch.setenv(engines.ENGINE_ENV, "secantusdb")
    found = DataDirectory(tmp_path / "case")
    path = found.path / "mongo"
    mongo.provision(path, found.mongo_passwords())
    with served(found) as settings:
        asyncio.run(_fill(settings))
    return found


class served:  # noqa: N801  # reads as a verb: with served(directory)
    """The server of a directory, asking who comes; gives the settings to reach it."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._child = mongo.server(directory.path / "mongo", free_port())

    def __enter__(self) -> MongoSettings:
        self._child.start()
        self._child.wait_ready()
        return self._directory.mongo_settings(Endpoints("nats://127.0.0.1:1", self._child.port or 0))

    def __exit__(self, *_exc: object) -> None:
        self._child.stop()


async def _fill(settings: MongoSettings) -> None:
    async with connect(settings) as database:
        await ensure_indexes(database)
        events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
        made = [an_event(str(number), NOW - timedelta(minutes=number)) for number in range(700)]
        await events.insert(made, ["p"] * len(made))
        await database["odd"].insert_one({"_id": "x", "a": [1, {"b": None}], "deep": {"of": {"it": 1.5}}})


async def content(settings: MongoSettings) -> dict[str, Any]:
    async with connect(settings) as database:
        names = sorted(await database.list_collection_names())
        found = {name: sorted(map(str, await database[name].find({}).to_list(None))) for name in names}
        return found | {"missing": await missing_indexes(database)}


def of(directory: DataDirectory) -> dict[str, Any]:
    with served(directory) as settings:
        return asyncio.run(content(settings))


def test_all_that_was_there_is_there_under_the_other_engine(directory: DataDirectory, target: Installed) -> None:
    before, told = of(directory), list[Copied]()
    old = data.converted(directory, target, told.append)
    mark = engines.mark_of(directory.path / "mongo")

    assert mark is not None
    assert (mark.engine.name, mark.version) == (target.engine.name, target.version)
    assert of(directory) == before
    assert before["missing"] == []
    assert {one.collection: one.content.documents for one in told}["aoc.events"] == 700
    assert (old / "secantus_collections.wt").exists()


def test_a_directory_that_is_of_the_engine_already_is_left_alone(directory: DataDirectory) -> None:
    with pytest.raises(BadConfiguration, match="is of secantusdb already"):
        data.converted(directory, engines.required(SECANTUSDB), lambda _: None)


def test_what_arrives_otherwise_than_it_was_is_refused_and_the_directory_stays(directory, target, monkeypatch) -> None:
    before, batches = of(directory), copying._batches
    monkeypatch.setattr(copying, "_BATCH", 100)

    async def losing(collection: Any) -> Any:
        async for batch in batches(collection):
            yield batch if collection.name != "events" or len(batch) < 100 or lossy.pop(0) else batch[1:]

    lossy = [True] * 7 + [False] + [True] * 100
    monkeypatch.setattr(copying, "_batches", losing)
    with pytest.raises(Permanent, match=r"aoc.events: 700 documents were copied, 699 arrived"):
        data.converted(directory, target, lambda _: None)

    assert of(directory) == before


#: Converts the directory that it is given, and waits for its end once events are copied.
_CONVERT = """
import sys, time
from dataclasses import replace
from pathlib import Path
from aoc_cli import data
from aoc_cli.local import engines
from aoc_cli.local.stack import DataDirectory

def tell(copied):
    print(copied.collection, flush=True)
    if copied.collection == "aoc.events":
        time.sleep(60)

whole = engines.installed(engines.SECANTUS_RS)
target = whole or replace(engines.required(engines.SECANTUSDB), engine=replace(engines.SECANTUSDB, name="other"))
directory = DataDirectory(Path(sys.argv[1]))
with directory.held():
    data.converted(directory, target, tell)
"""


@pytest.fixture
def killed(directory: DataDirectory, processes_naming: Callable[[Path], dict[int, str]]) -> Iterator[DataDirectory]:
    """A directory whose conversion was killed on its way."""
    process = subprocess.Popen([sys.executable, "-c", _CONVERT, str(directory.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "aoc.events":
            break
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    # Its servers die with it, but not before it: they hold the files.
    until(lambda: not processes_naming(directory.path))
    yield directory
    process.stdout.close()


def test_after_kill_9_the_directory_is_as_it_was_and_can_be_moved(killed: DataDirectory, target: Installed) -> None:
    mark = engines.mark_of(killed.path / "mongo")
    before = of(killed)
    data.converted(killed, target, lambda _: None)

    assert mark is not None
    assert mark.engine is SECANTUSDB
    assert len(before["events"]) == 700
    assert of(killed) == before
    assert not (killed.path / "mongo" / "db-unfinished").exists()
