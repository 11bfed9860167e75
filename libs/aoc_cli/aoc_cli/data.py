"""`aoc data`: what the files of a data directory are, and moving them to another engine."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli.attach import existing
from aoc_cli.local import engines, mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_cli.local.stack import DataDirectory
from aoc_cli.terminal import err, out, plain
from aoc_common.errors import BadConfiguration
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.copying import copy_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_cli.local.engines import Installed
    from aoc_common.store.mongo.copying import Copied

#: Where a conversion works. What is there was not finished, and nothing reads it.
_WORK: Final = "db-unfinished"

group = typer.Typer(help="The files of a data directory.", no_args_is_help=True)

_Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]


@group.command()
def show(data: _Data = None) -> None:
    """Which engine the database's files are of, and which version has opened them last."""
    mark = engines.mark_of(existing(data) / "mongo")
    if mark is None:
        out.print("new: the first start chooses an engine")
    else:
        out.print(f"{mark.engine.name} {mark.version or '(version not noted)'}: {mark.engine.described}")


@group.command()
def convert(
    to: Annotated[str, typer.Option(help="Engine: mongod, secantusd-rs or secantusdb.")], data: _Data = None
) -> None:
    """Move the database of a data directory to another engine.

    Every collection is compared, by number and digest, before the directory names the new engine; until then, and also
    when this is killed, it is as it was. The old files stay, and are named: delete them when you no longer need them.
    """
    target = engines.required(engines.named(to))
    directory = DataDirectory(existing(data))
    with directory.held():
        before = converted(directory, target, _report)
    out.print(f"[green]{plain(directory.path)} is now of {target.title}[/]")
    out.print(f"  The old files, which nothing reads any more: {plain(before)}")


def _report(copied: Copied) -> None:
    content = copied.content
    if content.documents:
        err.print(f"  {plain(copied.collection)}: {content.documents:,} documents, the same: {content.digest:032x}")


def converted(directory: DataDirectory, target: Installed, report: Callable[[Copied], None]) -> Path:
    """Move a directory, which is held, to another engine; where the old files are.

    Raises `BadConfiguration` when there is nothing to move, `Permanent` when what arrived is not what was there.
    """
    path = directory.path / "mongo"
    mark = engines.mark_of(path)
    if mark is None or mark.engine is target.engine:
        raise BadConfiguration(f"{path}: {'holds no data' if mark is None else f'is of {target.engine.name} already'}")
    mongo.provision(path, directory.mongo_passwords())
    before = path / mark.files
    work = path / _WORK
    shutil.rmtree(work, ignore_errors=True)
    old, new = mongo.server(path, free_port(), auth=False), _server(target, work, path)
    try:
        for child in (old, new):
            child.start()
            child.wait_ready()
        asyncio.run(copy_all(_settings(old), _settings(new), report))
        mongo.make_users(new.port or 0, directory.mongo_passwords())
    finally:
        new.stop(timeout_s=120)
        old.stop(timeout_s=120)
    files = _free_name(path, target)
    work.rename(path / files)
    # From here on it is of the new engine.
    engines.write_mark(path, target, files)
    return before


def _server(engine: Installed, files: Path, directory: Path) -> Child:
    port = free_port()
    argv = engine.argv(files, port, durable=False)
    return Child(engine.engine.name, argv, directory / "convert.log", port)


def _settings(child: Child) -> MongoSettings:
    return MongoSettings(uri=f"mongodb://{LOOPBACK}:{child.port}")


def _free_name(path: Path, target: Installed) -> str:
    """Files of a conversion before may still be there; a person deletes them."""
    number = 1
    while (path / f"db-{target.engine.name}-{number}").exists():
        number += 1
    return f"db-{target.engine.name}-{number}"
