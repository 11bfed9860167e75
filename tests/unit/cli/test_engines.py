"""Which program opens a data directory: the one whose files it holds, and for a new one the best that is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local import engines, mongo
from aoc_cli.local.engines import MONGOD, SECANTUS_RS, SECANTUSDB, Mark
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from pathlib import Path

type Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(mongod="8.0.4")`: programs on PATH, which has no others; SecantusDB comes along as always."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv(engines.ENGINE_ENV, raising=False)

    def add(**versions: str) -> None:
        for name, version in versions.items():
            program = programs / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\necho 'db version v{version}'\n")
            program.chmod(0o755)

    return add


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "mongo"


def with_files(directory: Path, *names: str) -> Path:
    (directory / "db").mkdir(parents=True)
    for name in names:
        (directory / "db" / name).touch()
    return directory


def test_a_new_directory_gets_the_best_engine_that_is_installed(install: Install, directory: Path) -> None:
    assert engines.preferred().engine is SECANTUSDB
    install(secantusd_rs="0.5.3-beta.193")
    assert engines.preferred().engine is SECANTUS_RS
    install(mongod="8.0.4")
    found, files = engines.of_directory(directory)

    assert (found.engine, found.version, files) == (MONGOD, "8.0.4", directory / "db")
    assert json.loads((directory / "engine.json").read_text()) == {
        "engine": "mongod",
        "version": "8.0.4",
        "files": "db",
    }


def test_a_person_can_name_the_engine_of_new_directories(install: Install, directory, monkeypatch) -> None:
    install(mongod="8.0.4", secantusd_rs="0.5.3")
    monkeypatch.setenv(engines.ENGINE_ENV, "secantusdb")
    assert engines.of_directory(directory)[0].engine is SECANTUSDB

    monkeypatch.setenv(engines.ENGINE_ENV, "mysql")
    with pytest.raises(BadConfiguration, match=r"mysql: no such engine; there are mongod, secantusd-rs, secantusdb"):
        engines.preferred()


def test_a_directory_stays_with_its_engine_when_a_better_one_is_installed(install: Install, directory: Path) -> None:
    engines.of_directory(directory)
    install(mongod="8.0.4")

    assert engines.of_directory(directory)[0].engine is SECANTUSDB


@pytest.mark.parametrize(
    ("files", "engine"),
    [
        (["WiredTiger", "secantus_collections.wt", "secantus_oplog.wt"], SECANTUSDB),
        (["WiredTiger", "secantus_collections.wt", "secantus_prepared_xacts.wt"], SECANTUS_RS),
        (["WiredTiger", "_mdb_catalog.wt", "storage.bson"], MONGOD),
        (["storage.bson"], MONGOD),
    ],
)
def test_a_directory_that_nobody_marked_is_recognised_by_its_files(install, directory, files, engine) -> None:
    install(mongod="8.0.4", secantusd_rs="0.5.3")
    found, _ = engines.of_directory(with_files(directory, *files))

    assert found.engine is engine
    assert engines.mark_of(directory) == Mark(engine, found.version)


@pytest.mark.usefixtures("install")
def test_files_of_an_unknown_database_are_left_alone(directory: Path) -> None:
    with pytest.raises(BadConfiguration, match="does not know"):
        engines.of_directory(with_files(directory, "collection-0.wt"))

    assert not (directory / "engine.json").exists()


@pytest.mark.usefixtures("install")
def test_another_engine_never_opens_a_directory(directory: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"holds files of mongod: mongod is not on PATH"):
        engines.of_directory(with_files(directory, "_mdb_catalog.wt"))


@pytest.mark.parametrize(
    ("before", "now", "opens"),
    [
        ("8.0.4", "8.0.4", True),
        ("8.0.4", "8.0.10", True),
        ("8.0.10", "8.0.4", False),
        ("8.0.4", "7.0.20", False),
        ("8.0.0-rc3", "8.0.0", True),
        ("8.0.0", "8.0.0-rc3", False),
    ],
)
def test_no_older_version_opens_a_directory(install: Install, directory, before, now, opens) -> None:
    install(mongod=before)
    engines.of_directory(directory)
    install(mongod=now)
    if opens:
        engines.of_directory(directory)
    else:
        with pytest.raises(BadConfiguration, match=rf"opened by mongod {before}, and an older version, {now}"):
            engines.of_directory(directory)

    mark = engines.mark_of(directory)
    assert mark is not None
    assert mark.version == (now if opens else before)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"engine": "mongod"}', '{"engine": "oracle", "version": "1"}'])
@pytest.mark.usefixtures("install")
def test_a_mark_that_says_nothing_is_named(directory: Path, text: str) -> None:
    directory.mkdir()
    (directory / "engine.json").write_text(text)

    with pytest.raises(BadConfiguration, match="engine"):
        engines.of_directory(directory)


def test_a_mark_cannot_lead_out_of_its_directory(install: Install, directory: Path) -> None:
    install(mongod="8.0.4")
    directory.mkdir()
    (directory / "engine.json").write_text('{"engine": "mongod", "version": "8.0.4", "files": "../../etc"}')

    assert engines.of_directory(directory)[1] == directory / "etc"


def test_a_program_that_does_not_run_is_named(install: Install, tmp_path: Path) -> None:
    install(mongod="8.0.4")
    (tmp_path / "bin" / "mongod").write_text("#!/bin/sh\nexit 3\n")

    with pytest.raises(BadConfiguration, match=r"bin/mongod --version"):
        engines.preferred()


def test_what_is_acknowledged_is_on_the_disk_unless_nobody_cares(tmp_path: Path) -> None:
    secantus = engines.required(SECANTUSDB)

    assert secantus.argv(tmp_path, 1, durable=True) == [*secantus.argv(tmp_path, 1, durable=False), "--sync-on-commit"]


def test_all_threads_of_a_server_share_one_heap(tmp_path: Path) -> None:
    assert mongo.server(tmp_path, 27017).env == {"MALLOC_ARENA_MAX": "1"}


def test_only_the_slow_engine_says_how_to_get_a_faster_one() -> None:
    hints = {engine.name: engines.faster_than(engine) for engine in engines.ENGINES}

    assert hints["mongod"] is hints["secantusd-rs"] is None
    assert "cargo install secantus-mdb" in (hints["secantusdb"] or "")
