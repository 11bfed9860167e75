"""A gateway in a process of its own, which can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aoc_cli.local.ports import LOOPBACK, free_port, listening
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aoc_common.settings import MongoSettings


@contextmanager
def gateway_process(
    mongo: MongoSettings, spool: Path, port: int | None = None, **settings: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address, once it listens, and its process, killed in the end. Without a bus, unless `settings` have one."""
    port = port or free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    own = {
        "AOC_MONGO__URI": mongo.uri,
        "AOC_MONGO__DATABASE": mongo.database,
        "AOC_NATS__URL": f"nats://{LOOPBACK}:1",
        "AOC_API__PORT": str(port),
        "AOC_API__AUDIT__SPOOL": str(spool),
    }
    process = subprocess.Popen([sys.executable, "-m", "aoc_api"], env=clean | own | settings, stderr=subprocess.DEVNULL)
    try:
        until(lambda: listening(port) or process.poll() is not None, 60)
        assert process.poll() is None
        yield f"http://{LOOPBACK}:{port}", process
    finally:
        process.kill()
        process.wait()
