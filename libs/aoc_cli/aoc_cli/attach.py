"""How a command finds the system it is to talk to: the user's own servers, or a stack that runs here."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_cli.local.stack import MONGO_ENV, NATS_ENV, DataDirectory, default_data, root, servers, service
from aoc_common.errors import BadConfiguration
from aoc_common.settings import MongoSettings, NatsSettings, ServiceSettings, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aoc_cli.local.process import Child


@dataclass(frozen=True, slots=True)
class System:
    """A running system."""

    nats: NatsSettings
    mongo: MongoSettings


def find(data: Path | None, user: str = "cli") -> System | None:
    """The system to use: named by the environment, else a stack in `data`, else the one that was started last.

    `user`: as whom a stack's bus is spoken to.
    """
    if NATS_ENV in os.environ and MONGO_ENV in os.environ:
        return named()
    for directory in [data] if data is not None else [last_started(), default_data()]:
        if directory is None:
            continue
        stack = DataDirectory(directory)
        endpoints = stack.running()
        if endpoints is not None:
            return System(stack.nats_settings(endpoints, user), stack.mongo_settings(endpoints))
    return None


def named() -> System | None:
    """The system that the environment names: one of its servers at least."""
    if NATS_ENV not in os.environ and MONGO_ENV not in os.environ:
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
def started(path: Path, services: Sequence[str] = ()) -> Iterator[System]:
    """The servers of a data directory, and these services, for as long as one command takes.

    Raises `BadConfiguration` when another command holds the directory.
    """
    data = DataDirectory(path)
    with ExitStack() as stack:
        stack.enter_context(data.held())
        local = servers(data)
        _start(stack, local.children)
        data.bring_in_order(local.endpoints)
        _start(stack, [service(name, data, local.endpoints) for name in services])
        data.describe(local.endpoints)
        yield System(data.nats_settings(local.endpoints, "cli"), data.mongo_settings(local.endpoints))


def _start(stack: ExitStack, children: Sequence[Child]) -> None:
    for child in children:
        child.start()
        stack.callback(child.stop)
    for child in children:
        child.wait_ready()


def existing(data: Path | None) -> Path:
    """The data directory to open when nothing runs. Raises `BadConfiguration` when there is none."""
    path = data or default_data()
    if not (path / "mongo").is_dir():
        raise BadConfiguration(
            f"nothing is running, and {path} holds no data: start ./aoc up, or name a directory with --data"
        )
    return path


def remember(directory: DataDirectory) -> None:
    """Note the stack that was started last, so that commands without --data find it."""
    pointer = _pointer()
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.write_text(str(directory.path))


def _pointer() -> Path:
    return root() / ".aoc" / "current"


def last_started() -> Path | None:
    """The data directory of the stack that was started last."""
    from pathlib import Path

    try:
        return Path(_pointer().read_text())
    except OSError:
        return None
