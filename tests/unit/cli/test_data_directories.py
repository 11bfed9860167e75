"""A data directory is AOC's own, one process holds it, and what a killed run left in it is ended by id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aoc_cli import attach
from aoc_cli.local import stacks
from aoc_cli.local.ports import free_port, require_free_ports
from aoc_cli.local.process import Child
from aoc_cli.local.stack import DataDirectory, Endpoints
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLEEPER = "import time; print('here', flush=True); time.sleep(600)"
#: Ignores the request to end.
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("AOC_"):
            monkeypatch.delenv(name)
    path = tmp_path / "root"
    path.mkdir()
    monkeypatch.setenv("AOC_ROOT", str(path))
    return path


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """A process that no supervisor ends: what a killed run may leave behind."""
    processes = []

    def started(code: str = SLEEPER) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.wait()


def record(directory: DataDirectory, process: subprocess.Popen[bytes], name: str = "nats-server") -> None:
    """Put a process on the record of the stack in a directory, as its supervisor does."""
    child = Child(name, [], directory.logs / "log")
    child._process = process
    (directory.path / "stack.lock").touch()
    directory.processes.add(child)


@pytest.mark.parametrize(
    "names",
    [["export.csv"], ["logs/"], ["notes.txt", ".git/"], ["stack.lock", "main.tf"], ["mongo/", "docker-compose.yml"]],
)
def test_a_folder_with_other_files_is_refused_and_nothing_is_made_in_it(tmp_path, names) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(BadConfiguration, match=f"holds files that are not AOC's.*{names[-1].strip('/')}"):
        DataDirectory(tmp_path).held().__enter__()

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "names",
    [
        [],
        [".DS_Store", "lost+found/"],
        ["stack.lock"],
        ["stack.lock", "secrets/", "notes.txt"],
        ["secrets/", "mongo/", "nats/"],
        ["secrets/", "secrets/.lock"],
    ],
)
def test_a_new_folder_and_one_of_ours_are_taken_whatever_somebody_added(tmp_path, names) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()

    with DataDirectory(tmp_path).held():
        assert DataDirectory(tmp_path).held_by_somebody()
    assert not DataDirectory(tmp_path).held_by_somebody()


def test_a_file_is_no_data_directory(tmp_path) -> None:
    (tmp_path / "case.zip").touch()

    with pytest.raises(BadConfiguration, match=r"case\.zip: a file; name a directory"):
        DataDirectory(tmp_path / "case.zip").held().__enter__()


def test_who_holds_a_directory_is_named(tmp_path) -> None:
    with DataDirectory(tmp_path).held(), pytest.raises(BadConfiguration, match=rf"\(process {os.getpid()}, since 20"):
        DataDirectory(tmp_path).held().__enter__()


def test_what_a_killed_run_left_is_ended_and_named_and_nothing_else(tmp_path, start) -> None:
    directory, lines = DataDirectory(tmp_path), []
    orphan, stubborn, bystander = start(), start(STUBBORN), start()
    record(directory, orphan)
    os.kill(orphan.pid, signal.SIGSTOP)  # a paused process hears no request to end until it goes on
    record(directory, bystander, "bystander")
    # Another process has got the id of one that was ours.
    entries = json.loads((tmp_path / "children.json").read_text())
    entries[1]["began"] -= 1
    (tmp_path / "children.json").write_text(json.dumps(entries))
    with DataDirectory(tmp_path).held(lines.append):
        pass

    assert lines == [f"ended nats-server (process {orphan.pid}), left over from a run that was killed"]
    assert orphan.wait(5) == -signal.SIGTERM
    assert (bystander.poll(), stubborn.poll()) == (None, None)
    assert not (tmp_path / "children.json").exists()


def test_one_that_does_not_end_by_itself_is_killed(tmp_path, start, monkeypatch) -> None:
    monkeypatch.setattr("aoc_cli.local.leftovers._PATIENCE_S", 0.2)
    stubborn = start(STUBBORN)
    record(DataDirectory(tmp_path), stubborn)
    with DataDirectory(tmp_path).held():
        pass

    assert stubborn.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("text", ["", "[{", "{}", '[{"pid": 1}]', '[{"pid": 1, "began": 0, "boot": "x", "name": "i"}]'])
def test_a_record_of_processes_that_cannot_be_read_ends_nothing(tmp_path, text) -> None:
    (tmp_path / "stack.lock").touch()
    (tmp_path / "children.json").write_text(text)
    lines: list[str] = []
    with DataDirectory(tmp_path).held(lines.append):
        assert lines == []


@pytest.fixture
def unused_port() -> int:
    return free_port()


@contextmanager
def listener(port: int) -> Iterator[int]:
    """Something that listens there; 0: anywhere. Its port."""
    with socket.create_server(("127.0.0.1", port)) as server:
        yield server.getsockname()[1]


class Stack:
    """A stack as other commands see it: a held directory that says where it listens, and something that does."""

    def __init__(self, path: Path, port: int) -> None:
        self.directory = DataDirectory(path)
        self.held = self.directory.held()
        self.held.__enter__()
        self.directory.describe(Endpoints(f"nats://127.0.0.1:{port}", 1, gateway=port))
        stacks.remember(self.directory, temporary=False)

    def stop(self) -> None:
        self.held.__exit__(None, None, None)
        stacks.forget(self.directory)


def test_one_of_two_stacks_is_chosen_by_name_and_the_other_is_there_when_it_stops(root, tmp_path, unused_port) -> None:
    with listener(unused_port):
        first = Stack(tmp_path / "one", unused_port)
        second = Stack(tmp_path / "two", unused_port)
        with pytest.raises(BadConfiguration) as both:
            attach.find(None)
        named = attach.find(tmp_path / "one")
        second.stop()
        left = attach.find(None)
        first.stop()

    assert str(both.value).startswith("2 stacks are running; choose one: --data ")
    assert all(
        f"--data {tmp_path / name} (gateway on port {unused_port})" in str(both.value) for name in ("one", "two")
    )
    assert named is not None
    assert named.directory is not None
    assert named.directory.path == tmp_path / "one"
    assert left is not None
    assert left.directory is not None
    assert left.directory.path == tmp_path / "one"
    assert attach.find(None) is None


def test_a_stack_that_was_killed_is_not_found_though_another_program_has_its_port(root, tmp_path, unused_port) -> None:
    directory = DataDirectory(tmp_path / "case")
    with directory.held():
        directory.describe(Endpoints(f"nats://127.0.0.1:{unused_port}", 1))
        description = (directory.path / "stack.json").read_text()
    (directory.path / "stack.json").write_text(description)  # kill -9 removes nothing
    stacks.remember(directory, temporary=False)
    with listener(unused_port):
        assert (directory.running(), attach.find(None)) == (None, None)


def test_the_temporary_data_of_a_killed_run_is_removed_and_nothing_else_ever(root, tmp_path, start) -> None:
    temporary = DataDirectory(Path(tempfile.mkdtemp(prefix="aoc-")))
    kept, foreign = DataDirectory(tmp_path / "kept"), DataDirectory(tmp_path / "aoc-foreign")
    orphan = start()
    for directory in (temporary, kept, foreign):
        with directory.held():
            pass
    record(temporary, orphan)
    # A forged note does not make another directory a temporary one.
    stacks.remember(foreign, temporary=True)
    stacks.remember(kept, temporary=False)
    stacks.remember(temporary, temporary=True)
    lines: list[str] = []
    stacks.clean_up(lines.append)

    assert not temporary.path.exists()
    assert orphan.wait(5) == -signal.SIGTERM
    assert (kept.path.is_dir(), foreign.path.is_dir()) == (True, True)
    assert [line.partition(":")[0].partition(" (")[0] for line in lines] == [
        "ended nats-server",
        "removed the temporary data of a run that was killed",
    ]
    assert list((root / ".aoc" / "stacks").iterdir()) == []


def test_a_stack_that_runs_is_not_cleaned_up(root, tmp_path, unused_port) -> None:
    running = Stack(tmp_path / "case", unused_port)
    try:
        stacks.clean_up(pytest.fail)
        with listener(unused_port):
            assert [directory.path for directory, _ in stacks.running()] == [tmp_path / "case"]
    finally:
        running.stop()


def test_every_port_that_is_taken_is_named_at_once(unused_port) -> None:
    with listener(unused_port), listener(0) as other:
        with pytest.raises(BadConfiguration) as both:
            require_free_ports((unused_port, "the gateway (--port)"), (other, "NATS (--nats-port)"))
        with pytest.raises(BadConfiguration) as single:
            require_free_ports((0, "the gateway (--port)"), (other, "NATS (--nats-port)"))
    with pytest.raises(BadConfiguration, match="choose two"):
        require_free_ports((unused_port, "the gateway (--port)"), (unused_port, "NATS (--nats-port)"))

    assert str(both.value) == (
        f"port {unused_port} for the gateway (--port) and port {other} for NATS (--nats-port) are taken; "
        "choose others, or 0 for any that is free"
    )
    assert str(single.value).startswith(f"port {other} for NATS (--nats-port) is taken; choose another one")
    require_free_ports((0, "the gateway"), (0, "NATS"))


def test_a_child_says_for_how_long_it_is_waited_for(tmp_path, unused_port) -> None:
    child = Child("slow", [sys.executable, "-c", SLEEPER], tmp_path / "log", port=unused_port, ready_s=0.3)
    waits: list[tuple[str, float]] = []
    child.start()
    began = time.monotonic()
    try:
        with pytest.raises(Exception, match="slow did not listen within 0 s"):
            child.wait_ready(lambda name, seconds: waits.append((name, seconds)))
    finally:
        child.kill()

    assert {name for name, _ in waits} == {"slow"}
    assert 0.2 < waits[-1][1] <= time.monotonic() - began


def test_the_connection_string_is_written_when_it_changes_and_never_in_part(root, tmp_path) -> None:
    directory = DataDirectory(tmp_path / "case")
    reference = Path(str(directory.mongo_settings(Endpoints("nats://127.0.0.1:1", 27001)).uri).removeprefix("file:"))
    written, inode = reference.read_text(), reference.stat().st_ino
    directory.mongo_settings(Endpoints("nats://127.0.0.1:1", 27001))

    assert "@127.0.0.1:27001/" in written
    assert (reference.read_text(), reference.stat().st_ino) == (written, inode)
    with reference.open() as reading:
        directory.mongo_settings(Endpoints("nats://127.0.0.1:1", 27002))
        # Who has opened it reads what was there; the new one is another file, which is the owner's alone, too.
        assert reading.read() == written
    assert reference.read_text() == written.replace("27001", "27002")
    assert reference.stat().st_mode & 0o777 == 0o600
