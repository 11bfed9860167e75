"""`aoc up` begins and ends: what it leaves, what it refuses, and what becomes of what a killed one left."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import until
from whole_stack import client, stored, up

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_what_kill_9_left_is_ended_at_the_next_start_which_ctrl_c_stops_with_its_data_kept(
    aoc, started, processes_naming
) -> None:
    data = aoc.root / "data"
    first = aoc.start(*up(data)[0])
    started.append(first)
    first.says("AOC is up")
    assert len(processes_naming(data)) >= 5
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    record(data, orphan)
    first.process.kill()
    first.process.wait()
    until(lambda: processes_naming(data) == {}, 10)

    arguments, port = up(data)
    second = aoc.start(*arguments)
    started.append(second)
    second.says("AOC is up")
    with client(data, port) as signed_in:
        until(lambda: stored(signed_in) > 20)
    second.process.send_signal(signal.SIGINT)
    status = second.process.wait(30)
    lines = second.log.read_text().splitlines()

    assert (orphan.wait(5), status) == (-signal.SIGTERM, 0)
    assert processes_naming(data) == {}
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S", line) for line in lines)
    texts = [line.partition(" ")[2] for line in lines]
    assert texts[0] == f"! ended left-over (process {orphan.pid}), left over from a run that was killed"
    assert next(text for text in texts if text.startswith("started")).startswith("started nats-server (process ")
    assert texts[-1] == f"stopped; the data is in {data}"
    search = aoc.run("search", "--data", data, "--tenant", "contoso", "--limit", "5", "--json")
    assert len(search.stdout.splitlines()) == 5


def record(data: Path, process: subprocess.Popen[bytes]) -> None:
    """Put a process on the record of the stack that runs there."""
    known = json.loads((data / "children.json").read_text())
    began = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19])
    known.append({**known[0], "pid": process.pid, "began": began, "name": "left-over"})
    (data / "children.json").write_text(json.dumps(known))


def test_a_folder_with_other_files_stays_as_it_is(aoc) -> None:
    (aoc.root / "exports").mkdir()
    (aoc.root / "exports" / "AuditLog.csv").touch()
    refused = aoc.run("up", "--data", aoc.root / "exports", "--port", "0", "--nats-port", "0")
    imported = aoc.run("import", aoc.root / "exports", "--data", aoc.root / "exports")

    assert (refused.returncode, imported.returncode) == (2, 2)
    assert "holds files that are not AOC's (AuditLog.csv); name a new or empty directory" in refused.stderr
    assert [entry.name for entry in (aoc.root / "exports").iterdir()] == ["AuditLog.csv"]


def test_both_taken_ports_are_named_in_one_line(aoc, processes_naming) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        port, nats_port = taken.getsockname()[1], other.getsockname()[1]
        refused = aoc.run("up", "--data", aoc.root / "data", "--port", str(port), "--nats-port", str(nats_port))

    assert refused.returncode == 2
    assert refused.stderr.startswith(
        f"aoc: port {port} for the gateway (--port) and port {nats_port} for NATS (--nats-port) are taken"
    )
    assert refused.stderr.count("\n") == 1
    assert processes_naming(aoc.root / "data") == {}
