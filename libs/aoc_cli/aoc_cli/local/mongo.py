"""A MongoDB-protocol server: a `mongod` on PATH, else SecantusDB as a separate process (never imported)."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_common.errors import BadConfiguration
from aoc_common.roster import StoreRole
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.users import create_users

#: Role on the database -> the user who has it.
USERS: Final[Mapping[StoreRole, str]] = {"readWrite": "aoc", "read": "gateway"}


def server(directory: Path, port: int, *, auth: bool = True) -> Child:
    """The server as a child process, not started yet. Its data is in `directory`."""
    data = directory / "db"
    data.mkdir(parents=True, exist_ok=True)
    mongod = shutil.which("mongod")
    argv = (
        [mongod, "--dbpath", str(data), "--port", str(port), "--bind_ip", LOOPBACK, "--quiet"]
        if mongod
        else _secantus(data, port)
    )
    if auth:
        argv.append("--auth")
    return Child(name=Path(argv[0]).name, argv=argv, log=directory / "mongo.log", port=port)


def provision(directory: Path, passwords: Mapping[str, str]) -> None:
    """Create the users, once: meanwhile the server runs without authentication, on a random port."""
    done = directory / "users"
    if done.exists():
        return
    port = free_port()
    child = server(directory, port, auth=False)
    child.start()
    try:
        child.wait_ready()
        users = {name: (passwords[name], role) for role, name in USERS.items()}
        asyncio.run(create_users(MongoSettings(uri=f"mongodb://{LOOPBACK}:{port}"), users))
    finally:
        child.stop()
    done.touch()


def _secantus(data: Path, port: int) -> list[str]:
    beside = Path(sys.executable).with_name("secantusd-py")
    binary = str(beside) if beside.exists() else shutil.which("secantusd-py")
    if not binary:
        raise BadConfiguration("no mongod on PATH, and secantusdb is not installed; or set AOC_MONGO__URI")
    return [
        binary,
        "--host",
        LOOPBACK,
        "--port",
        str(port),
        "--storage-path",
        str(data),
        "--standalone",
        "--log-level",
        "WARNING",
        # The change log serves change streams, which AOC does not use.
        "--oplog-max-entries",
        "1000",
    ]
