"""A child that waits for a connection without looking up is knocked at, so that it sees that it is to stop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local import mongo
from aoc_cli.local.engines import ENGINE_ENV
from aoc_cli.local.ports import free_port
from aoc_cli.local.process import Child

if TYPE_CHECKING:
    from pathlib import Path

#: Ends after so many signals, but only when somebody connects: Python goes on with `accept` after a signal.
WAITER = """\
import signal, socket, sys
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while len(heard) < int(sys.argv[2]):
        server.accept()[0].close()
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_a_child_that_waits_for_connections_ends_by_itself_also_when_it_misses_a_signal(
    tmp_path: Path, signals: int
) -> None:
    port = free_port()
    argv = [sys.executable, "-c", WAITER, str(port), str(signals)]
    child = Child("waiter", argv, tmp_path / "log", port=port, knocked=True)
    child.start()
    child.wait_ready()
    child.stop()

    assert child.status == 0


def test_secantusdb_is_knocked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_ENV, "secantusdb")

    assert mongo.server(tmp_path, free_port()).knocked
