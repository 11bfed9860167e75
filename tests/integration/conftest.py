"""The command line in this process, on a database of the test's own."""

from __future__ import annotations

import asyncio
import os
import sys
from types import SimpleNamespace

import pytest

from aoc_cli.main import main
from aoc_common.store.mongo.client import connect


@pytest.fixture
def command_line(mongo_settings, monkeypatch, capsys, tmp_path):
    """`command_line("grants", "list")`: status, stdout and stderr of `aoc grants list`."""
    for name in list(os.environ):
        if name.startswith("AOC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AOC_ROOT", str(tmp_path))
    monkeypatch.setenv("AOC_NATS__URL", "nats://127.0.0.1:1")
    monkeypatch.setenv("AOC_MONGO__URI", mongo_settings.uri)
    monkeypatch.setenv("AOC_MONGO__DATABASE", mongo_settings.database)

    def run(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["aoc", *map(str, arguments)])
        capsys.readouterr()  # what a test's own work logged before
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return SimpleNamespace(status=int(ended.value.code or 0), out=output.out, err=output.err)

    yield run

    async def drop() -> None:
        async with connect(mongo_settings) as database:
            await database.client.drop_database(database.name)

    asyncio.run(drop())
