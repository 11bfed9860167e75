"""`aoc export` as an analyst uses it: the file is there when it is what the gateway has noted."""

from __future__ import annotations

import asyncio
import csv
import hashlib
from datetime import timedelta

import pytest

from aoc_common.contracts.access import Grant
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from making import an_event
from signing_in import make_key


@pytest.fixture
def gateway(command_line, mongo_settings, asking_as):
    """A gateway process over some events, and the environment of somebody who may read contoso."""

    async def fill() -> str:
        async with connect(mongo_settings) as database:
            await ensure_indexes(database)
            store = MongoEvents(database, lambda _tenant, _source: timedelta(days=9_999))
            made = [an_event(str(number), result=("success", "failure")[number % 2]) for number in range(7)]
            await store.insert(made, ["p"] * 7)
            return await make_key(database, Grant("reader", frozenset({"contoso"})))

    with asking_as(asyncio.run(fill())):
        yield command_line


@pytest.mark.slow
def test_events_are_exported_and_who_may_not_is_told_why(gateway, tmp_path) -> None:
    done = gateway("export", tmp_path / "failures.csv", "--tenant", "contoso", "--failed", "--fields", "id,result")
    refused = gateway("export", tmp_path / "theirs.csv", "--tenant", "fabrikam")
    whoami = gateway("whoami")
    rows = list(csv.DictReader((tmp_path / "failures.csv").open()))

    assert done.status == 0
    assert "failures.csv: 3 events" in done.out
    assert "SHA-256 " in done.err
    assert [list(row) for row in rows] == [["id", "result"]] * 3
    assert len({row["id"] for row in rows}) == 3
    assert (refused.status, "role" in refused.err) == (1, True)
    assert not (tmp_path / "theirs.csv").exists()
    assert "reader over contoso" in whoami.out


@pytest.mark.slow
def test_an_export_is_made_in_the_background_fetched_and_gone_on_with(gateway, tmp_path) -> None:
    done = gateway("export", tmp_path / "all.jsonl", "--tenant", "contoso", "--format", "jsonl", "--job")
    whole = (tmp_path / "all.jsonl").read_bytes()
    job = done.err.split("--resume ")[1].split()[0]
    # As a transfer that broke off leaves it.
    (tmp_path / f".again.jsonl.{job}.part").write_bytes(whole[:100])
    again = gateway("export", tmp_path / "again.jsonl", "--tenant", "contoso", "--resume", job)
    (tmp_path / f".bad.jsonl.{job}.part").write_bytes(b"x" * len(whole))
    bad = gateway("export", tmp_path / "bad.jsonl", "--tenant", "contoso", "--resume", job)
    unknown = gateway("export", tmp_path / "no.jsonl", "--tenant", "contoso", "--resume", "0" * 32)

    assert (done.status, "all.jsonl: 7 events" in done.out) == (0, True)
    assert len(whole.splitlines()) == 7
    assert hashlib.sha256(whole).hexdigest() in done.err
    assert (again.status, (tmp_path / "again.jsonl").read_bytes()) == (0, whole)
    assert (bad.status, "SHA-256 is" in bad.err) == (1, True)
    assert sorted(path.name for path in tmp_path.glob("*.jsonl*")) == ["again.jsonl", "all.jsonl"]
    assert (unknown.status, "You have no export" in unknown.err) == (1, True)
