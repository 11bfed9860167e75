"""`aoc entity`, as an analyst uses it."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from aoc_cli.access import credentials
from aoc_cli.entity import entity
from aoc_common.client import Absent
from aoc_common.contracts.access import Grant
from listening import listening
from signing_in import make_key


@pytest.fixture
async def asking(gateway, store, event, database, monkeypatch):
    """`await asking("user", "dana@contoso.example")` of a gateway over some events."""
    await store(*(event(f"r{number}", hours=number, result=("success", "failure")[number % 2]) for number in range(5)))
    key = await make_key(database, Grant("reader", frozenset({"contoso"})))
    async with listening(gateway.app) as address:
        monkeypatch.setattr(credentials, "find", lambda _: credentials.Credentials(address, key))

        async def ask(kind: str, name: str, **options: object) -> None:
            await asyncio.to_thread(partial(entity, kind, name, tenant="contoso", **options))

        yield ask


async def test_who_somebody_is_and_did_is_shown_part_by_part(asking, gateway, capsys) -> None:
    await asking("user", "dana@contoso.example")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    assert lines[0] == "dana@contoso.example"
    for line in ("kind user", "the directory knows none of this name", "what it did", "events 5",
                 "results success (3), failure (2)", "what was done to it", "nothing"):  # fmt: skip
        assert line in lines, lines
    assert any(line.startswith("first seen 2026-11-23 04:00 UTC") for line in lines)
    assert await gateway.noted("entities.read")


async def test_it_is_told_as_json_of_a_time_and_nobody_is_status_1(asking, capsys) -> None:
    await asking("address", "203.0.113.9", since="2026-11-23T06:30", as_json=True)
    told = json.loads(capsys.readouterr().out)
    with pytest.raises(Absent):
        await asking("user", "nobody@contoso.example")

    assert (told["kind"], [part["events"] for part in told["activities"]]) == ("address", [2])
