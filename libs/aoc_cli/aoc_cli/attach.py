"""Finds the system that a command works on: the user's own servers, or a stack that runs here."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aoc_cli.local import stacks
from aoc_cli.local.stack import (
    MONGO_ENV,
    NATS_ENV,
    DataDirectory,
    Endpoints,
    default_data,
    servers_named,
)
from aoc_common.errors import BadConfiguration
from aoc_common.settings import MongoSettings, NatsSettings, ServiceSettings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from aoc_common.store.mongo.client import Database


def _unsupervised() -> None:
    """The servers are supervised by another process."""


@dataclass(frozen=True, slots=True)
class System:
    """A running system.

    `directory` and `endpoints`: of an embedded stack. `owned`: this process started it, for this command; `check` then
    starts again what has died, and raises `ChildDied` for what keeps dying.
    """

    nats: NatsSettings
    mongo: MongoSettings
    directory: DataDirectory | None = None
    endpoints: Endpoints | None = None
    owned: bool = False
    check: Callable[[], None] = _unsupervised


def find(data: Path | None, user: str = "cli") -> System | None:
    """The system to use: named by the environment, else a stack in `data`, else the one that runs.

    `user`: the user of the stack's bus. Raises `BadConfiguration` when the environment names half a system, or several
    stacks run and `data` names none.
    """
    if system := named():
        return system
    if data is None:
        chosen = stacks.chosen()
        return None if chosen is None else of(*chosen, user)
    directory = DataDirectory(data)
    endpoints = directory.running()
    return None if endpoints is None else of(directory, endpoints, user)


def of(data: DataDirectory, endpoints: Endpoints, user: str = "cli") -> System:
    """The running stack of a data directory; `user`: the user of its bus."""
    return System(data.nats_settings(endpoints, user), data.mongo_settings(endpoints), data, endpoints)


def named() -> System | None:
    """The system that the environment names, if any. Raises `BadConfiguration` when it names one server only."""
    if not servers_named():
        return None
    settings = load(ServiceSettings)
    return System(settings.nats, settings.mongo)


def required(data: Path | None, user: str = "cli") -> System:
    """Like `find`; raises `BadConfiguration` when nothing runs."""
    system = find(data, user)
    if system is None:
        raise BadConfiguration(f"nothing is running: start ./aoc up, or set {NATS_ENV} and {MONGO_ENV}")
    return system


@contextmanager
def started(
    path: Path, services: Sequence[str] = (), report: Callable[[str], None] = lambda _: None, user: str = "cli"
) -> Iterator[System]:
    """The servers of a data directory, and these services, for as long as one command takes.

    `report` gets one line for each event. `user`: the user of the bus.
    Raises `BadConfiguration` when another command holds the directory.
    """
    # Imported here: commands that ask a gateway do without the database driver.
    from aoc_cli.local.servers import servers, service
    from aoc_cli.local.supervisor import Supervisor

    data = DataDirectory(path)
    with ExitStack() as stack:
        stack.enter_context(data.held(report))
        local = servers(data)
        supervisor = stack.enter_context(Supervisor(report, started=data.processes.add))
        for _ in supervisor.start(local.children):
            pass
        with ThreadPoolExecutor(1) as beside:  # it has a loop of its own, and this one's may be running
            beside.submit(data.bring_in_order, local.endpoints, report).result()
        for _ in supervisor.start([service(name, data, local.endpoints) for name in services]):
            pass
        data.describe(local.endpoints)
        yield replace(of(data, local.endpoints, user), owned=True, check=supervisor.check)


def existing(data: Path | None) -> Path:
    """The data directory to open when nothing runs. Raises `BadConfiguration` when there is none."""
    path = data or default_data()
    if not (path / "mongo").is_dir():
        raise BadConfiguration(
            f"nothing is running, and {path} holds no data: start ./aoc up, or name a directory with --data"
        )
    return path


@contextmanager
def opened(data: Path | None, user: str = "cli") -> Iterator[System]:
    """The system that runs, else the data directory's servers for as long as the command takes. Raises as both do."""
    system = find(data, user)
    if system is not None:
        yield system
        return
    with started(existing(data), user=user) as system:
        yield system


def on_database[T](data: Path | None, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """What `work` returns, run on the database of the system of `opened`. Raises as that does, and `Transient`."""
    # Imported here: commands that ask a gateway do without the database driver.
    from aoc_common.store.mongo.client import connect

    with opened(data) as system:

        async def run() -> T:
            async with connect(system.mongo) as database:
                return await work(database)

        return asyncio.run(run())
