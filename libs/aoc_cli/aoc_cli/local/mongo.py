"""A MongoDB-protocol server as a child process, by the engine of its directory (`engines`); never imported."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aoc_cli.local import engines
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_common.roster import StoreRole
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.users import GATEWAY_WRITES, create_users

#: One heap for all threads: SecantusDB has a thread for each connection, and a third of what it takes is what these
#: leave in heaps of their own. MongoDB brings an allocator of its own.
_ALLOCATION: Final = {"MALLOC_ARENA_MAX": "1"}
#: Role on the database -> the user who has it.
USERS: Final[Mapping[StoreRole, str]] = {"readWrite": "aoc", "aocGateway": "gateway"}


def server(directory: Path, port: int, *, auth: bool = True, durable: bool = True) -> Child:
    """The server as a child process, not started yet. Its data is in `directory`.

    `durable`: what it acknowledges is on the disk. Raises `BadConfiguration` when the engine of the directory cannot
    be started.
    """
    engine, files = engines.of_directory(directory)
    argv = engine.argv(files, port, durable=durable)
    if auth:
        argv.append("--auth")
    # SecantusDB waits for its next connection before it ends, or for two seconds.
    return Child(
        name=Path(argv[0]).name,
        argv=argv,
        log=directory / "mongo.log",
        port=port,
        env=_ALLOCATION,
        knocked=engine.engine is engines.SECANTUSDB,
    )


def provision(directory: Path, passwords: Mapping[str, str]) -> None:
    """Create the users and what they may do, once, and anew when a new version lets them do something else.

    Meanwhile the server runs without authentication, on a random port.
    """
    done, rights = directory / "users", json.dumps([GATEWAY_WRITES, USERS])
    if done.exists() and done.read_text() == rights:
        return
    port = free_port()
    child = server(directory, port, auth=False)
    child.start()
    try:
        child.wait_ready()
        make_users(port, passwords)
    finally:
        child.stop()
    done.write_text(rights)


def make_users(port: int, passwords: Mapping[str, str]) -> None:
    """Create the users on a server that does not ask who comes."""
    users = {name: (passwords[name], role) for role, name in USERS.items()}
    asyncio.run(create_users(MongoSettings(uri=f"mongodb://{LOOPBACK}:{port}"), users))
