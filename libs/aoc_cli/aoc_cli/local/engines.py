"""Which program serves the database of a data directory.

| engine | what it is | chosen for a new directory |
| --- | --- | --- |
| `mongod` | MongoDB itself, on PATH | first |
| `secantusd-rs` | a stand-in for tests, in Rust (the crate `secantus-mdb`, GPL-2.0), on PATH | second |
| `secantusdb` | a stand-in for tests, in Python, which comes along | else |

A directory names its engine and the version that has opened it last (`engine.json`). No other engine opens it, and no
older version: they would not understand its files, or change them so that nobody does. `aoc data convert` moves what is
in it to another engine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_cli.local.ports import LOOPBACK
from aoc_common import private
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

#: Names the engine of new directories.
ENGINE_ENV: Final = "AOC_STORE_ENGINE"
#: Where the database's own files are, below the directory that names its engine, unless that says otherwise.
FILES: Final = "db"
_MARK: Final = "engine.json"
_VERSION: Final = re.compile(r"\d+\.\d+[\w.+-]*")
_VERSION_S: Final = 20
#: Parts of a version before what says that it is not finished.
_NUMBERS: Final = 3


@dataclass(frozen=True, slots=True)
class Engine:
    """A kind of server. `traces`: files by which its directory is known that nobody has marked."""

    name: str
    program: str
    traces: tuple[str, ...]
    install: str
    described: str
    options: Callable[[Path, int], list[str]]
    durable: tuple[str, ...] = ()


def _of_mongod(files: Path, port: int) -> list[str]:
    return ["--dbpath", str(files), "--port", str(port), "--bind_ip", LOOPBACK, "--quiet"]


def _of_secantus(files: Path, port: int) -> list[str]:
    # The change log serves change streams, which AOC does not use.
    where = ["--host", LOOPBACK, "--port", str(port), "--storage-path", str(files)]
    return [*where, "--standalone", "--log-level", "WARNING", "--oplog-max-entries", "1000"]


#: What a write that is acknowledged with `j: true` needs to be on the disk; MongoDB needs no telling.
_SYNC: Final = ("--sync-on-commit",)
MONGOD: Final = Engine(
    "mongod", "mongod", ("_mdb_catalog.wt", "storage.bson"), "install MongoDB 4.4 or newer", "MongoDB", _of_mongod
)
SECANTUS_RS: Final = Engine(
    "secantusd-rs",
    "secantusd-rs",
    ("secantus_prepared_xacts.wt",),
    "cargo install secantus-mdb --version 0.5.3-beta.193 --ignore-rust-version",
    "SecantusDB in Rust, a stand-in for MongoDB made for tests",
    _of_secantus,
    _SYNC,
)
SECANTUSDB: Final = Engine(
    "secantusdb",
    "secantusd-py",
    ("secantus_collections.wt",),
    "./aoc installs it",
    "SecantusDB, a stand-in for MongoDB made for tests",
    _of_secantus,
    _SYNC,
)
#: In the order in which a new directory gets one, and in which an unmarked one is recognised.
ENGINES: Final = (MONGOD, SECANTUS_RS, SECANTUSDB)


@dataclass(frozen=True, slots=True)
class Installed:
    """An engine that can be started."""

    engine: Engine
    program: str
    version: str

    def argv(self, files: Path, port: int, *, durable: bool) -> list[str]:
        """How it is started over these files. `durable`: what it acknowledges is on the disk."""
        files.mkdir(parents=True, exist_ok=True)
        return [self.program, *self.engine.options(files, port), *(self.engine.durable if durable else ())]

    @property
    def title(self) -> str:
        """For a person."""
        return f"{self.engine.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a directory says of itself. `version`: empty where nobody has noted it. `files`: where they are in it."""

    engine: Engine
    version: str = ""
    files: str = FILES


def named(name: str) -> Engine:
    """The engine of that name. Raises `BadConfiguration`."""
    for engine in ENGINES:
        if engine.name == name:
            return engine
    raise BadConfiguration(f"{name}: no such engine; there are {', '.join(engine.name for engine in ENGINES)}")


def installed(engine: Engine) -> Installed | None:
    """The engine as it is installed here, if it is. Raises `BadConfiguration` when its program does not run."""
    beside = Path(sys.executable).with_name(engine.program)
    if engine is SECANTUSDB and beside.exists():
        return Installed(engine, str(beside), metadata.version("secantusdb"))
    program = shutil.which(engine.program)
    return None if program is None else Installed(engine, program, _version_of(program))


def required(engine: Engine, why: str = "") -> Installed:
    """The engine as it is installed here. Raises `BadConfiguration` that says how to get it."""
    installation = installed(engine)
    if installation is None:
        raise BadConfiguration(f"{why or engine.name}: {engine.program} is not on PATH ({engine.install})")
    return installation


def preferred() -> Installed:
    """The engine for a new directory. Raises `BadConfiguration` when there is none."""
    if name := os.environ.get(ENGINE_ENV):
        return required(named(name), f"{ENGINE_ENV}={name}")
    for engine in ENGINES:
        if installation := installed(engine):
            return installation
    raise BadConfiguration("no mongod on PATH, and secantusdb is not installed; or set AOC_MONGO__URI")


def mark_of(directory: Path) -> Mark | None:
    """The engine of a directory, marked or recognised; None of a new one. Raises `BadConfiguration`."""
    try:
        mark = json.loads((directory / _MARK).read_text("utf-8"))
        return Mark(named(str(mark["engine"])), str(mark["version"]), Path(str(mark.get("files", FILES))).name)
    except FileNotFoundError:
        return _recognised(directory)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadConfiguration(f"{directory / _MARK}: does not name an engine and its version ({error})") from None


def of_directory(directory: Path) -> tuple[Installed, Path]:
    """The engine that opens a directory, which is marked with it from now on, and where its files are.

    Raises `BadConfiguration` when it is not installed, or only in a version older than the one that opened it last.
    """
    mark = mark_of(directory)
    engine = preferred() if mark is None else required(mark.engine, f"{directory} holds files of {mark.engine.name}")
    if mark is not None and _order(engine.version) < _order(mark.version):
        raise BadConfiguration(
            f"{directory} was opened by {mark.engine.name} {mark.version}, and an older version, {engine.version}, "
            f"is installed here: it might not understand the files"
        )
    files = FILES if mark is None else mark.files
    if mark is None or mark.version != engine.version:
        write_mark(directory, engine, files)
    return engine, directory / files


def write_mark(directory: Path, engine: Installed, files: str = FILES) -> None:
    """Note which engine's files are in a directory, and where; for good, or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    new = directory / f"{_MARK}.new"
    with new.open("w", encoding="utf-8") as out:
        json.dump({"engine": engine.engine.name, "version": engine.version, "files": files}, out)
        out.flush()
        os.fsync(out.fileno())
    private.move(new, directory / _MARK)


def faster_than(engine: Engine) -> str | None:
    """How to get a faster engine than this one; None when there is none."""
    if engine is not SECANTUSDB:
        return None
    return (
        f"imports would take less than half the time by a {MONGOD.program} on PATH, or by {SECANTUS_RS.name} "
        f"({SECANTUS_RS.install}); then aoc data convert"
    )


def _recognised(directory: Path) -> Mark | None:
    """By its files: versions before did not mark directories."""
    files = directory / FILES
    for engine in ENGINES:
        if any((files / trace).exists() for trace in engine.traces):
            return Mark(engine)
    if files.is_dir() and any(files.glob("*.wt")):
        raise BadConfiguration(f"{files}: holds files of a database that AOC does not know")
    return None


def _version_of(program: str) -> str:
    try:
        output = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise BadConfiguration(f"{program} --version: {str(error)[:200]}") from None
    version = _VERSION.search(output.stdout)
    if version is None:
        raise BadConfiguration(f"{program} --version: no version in {output.stdout[:80]!r}")
    return version.group()


def _order(version: str) -> tuple[list[int], bool, list[int]]:
    """Sorts versions of one engine; one with letters in it comes before the one that it leads to."""
    numbers = [int(part) for part in re.findall(r"\d+", version)]
    return numbers[:_NUMBERS], re.search("[a-z]", version) is None, numbers[_NUMBERS:]
