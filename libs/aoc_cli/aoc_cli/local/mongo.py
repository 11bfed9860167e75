"""A MongoDB-protocol server: a `mongod` on PATH, else SecantusDB as a separate process (never imported)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.process import Child
from aoc_common.errors import BadConfiguration


def server(directory: Path, port: int) -> Child:
    """The server as a child process, not started yet. Its data is in `directory`."""
    data = directory / "db"
    data.mkdir(parents=True, exist_ok=True)
    mongod = shutil.which("mongod")
    argv = (
        [mongod, "--dbpath", str(data), "--port", str(port), "--bind_ip", LOOPBACK, "--quiet"]
        if mongod
        else _secantus(data, port)
    )
    return Child(name=Path(argv[0]).name, argv=argv, log=directory / "mongo.log", port=port)


def _secantus(data: Path, port: int) -> list[str]:
    beside = Path(sys.executable).with_name("secantusd-py")
    found = str(beside) if beside.exists() else shutil.which("secantusd-py")
    if not found:
        raise BadConfiguration("no mongod on PATH, and secantusdb is not installed; or set AOC_MONGO__URI")
    return [
        found,
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
