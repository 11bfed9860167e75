"""Whoever mistypes a tenant is told, and does not hear that all is in order."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from aoc_cli import tail
from aoc_common.contracts.access import Grant
from aoc_common.store.mongo.client import connect, ensure_indexes
from signing_in import make_key

SAID = "there is no tenant contso; there is contoso: --tenant"


@pytest.fixture
def installation(registered, mongo_settings) -> None:
    async def indexes() -> None:
        async with connect(mongo_settings) as database:
            await ensure_indexes(database)

    asyncio.run(indexes())
    registered("contoso")


@pytest.mark.usefixtures("installation")
def test_maintenance_of_a_tenant_that_there_is_not_is_refused(command_line) -> None:
    commands = (
        "maintenance verify-store", "maintenance dedupe", "maintenance dedupe --apply", "maintenance retention --apply",
        "maintenance replay --dry-run", "remap",
    )  # fmt: skip
    said = {command: command_line(*command.split(), "--tenant", "contso") for command in commands}
    known = [command_line(*command.split(), "--tenant", "contoso").status for command in commands]
    unnamed = command_line("remap")

    refused = {command: (one.status, one.err) for command, one in said.items()}
    assert refused == dict.fromkeys(commands, (2, f"aoc: {SAID}\n"))
    assert 2 not in known
    assert (unnamed.status, "there is no tenant default" in unnamed.err) == (2, True)


@pytest.mark.usefixtures("installation")
def test_lists_of_a_tenant_that_there_is_not_say_so(command_line) -> None:
    queues = [command_line(queue, "list", "--tenant", "contso").err for queue in ("quarantine", "deadletters")]
    none = command_line("quarantine", "list", "--tenant", "contoso").err
    key = command_line("api-keys", "create", "report", "--tenant", "contso")
    grant = command_line("grants", "add", "--role", "reader", "--tenant", "contso", "--key", "0" * 24)
    trail = command_line("audit-trail", "list")

    assert (queues, none) == ([f"{SAID}\n"] * 2, "none\n")
    assert [one.status for one in (key, grant)] == [0, 0]
    assert all(SAID in one.err for one in (key, grant))
    # What was noted of the two is about whom they named.
    assert "nothing is noted about default; something is about contso: --tenant" in trail.err


@pytest.mark.usefixtures("installation")
def test_a_trail_is_verified_of_all_when_nobody_is_named_and_a_name_is_no_id(command_line) -> None:
    command_line("api-keys", "create", "report", "--everything")
    command_line("maintenance", "retention", "--apply", "--tenant", "contoso")
    verified = command_line("audit-trail", "verify", "--no-bus")
    one = command_line("audit-trail", "verify", "--no-bus", "--installation")
    named = command_line("audit-trail", "list", "--installation", "--actor", "kim@contoso.example")

    assert [line.partition(" about ")[2] for line in verified.out.splitlines()[:-1:2]] == [
        "the installation",
        "contoso",
    ]
    assert "whole: " in verified.out
    assert one.out.count(" about ") == 1
    assert "--actor takes an id" in named.err


@pytest.mark.usefixtures("installation", "command_line")
def test_a_tail_waits_also_for_a_tenant_that_there_is_not_and_says_so(mongo_settings, capsys) -> None:
    away = mongo_settings.model_copy(update={"uri": "mongodb://127.0.0.1:1/", "timeout_s": 0.2})

    def told(tenant: str, mongo=mongo_settings) -> str:
        asyncio.run(tail._tell_missing(SimpleNamespace(mongo=mongo), None, tenant))
        return capsys.readouterr().err

    assert (told("contso"), told("contoso")) == (f"{SAID}\n", "")
    assert told("contso", away).startswith("whether there is a tenant contso cannot be asked: ")


@pytest.mark.slow
@pytest.mark.usefixtures("installation")
def test_a_gateway_that_has_nothing_of_a_tenant_is_asked_for_others(
    command_line, mongo_settings, asking_as, tmp_path
) -> None:
    async def key() -> str:
        async with connect(mongo_settings) as database:
            await database["sources"].insert_one({"_id": "x", "tenant": "contoso", "source": "graph-signins"})
            return await make_key(database, Grant("reader", everything=True))

    with asking_as(asyncio.run(key())):
        exported = command_line("export", tmp_path / "all.parquet", "--tenant", "contso")
        listed = command_line("alerts", "list", "--tenant", "contso")
        nowhere = command_line("export", tmp_path / "no" / "all.csv", "--tenant", "contoso")

    assert (exported.status, SAID in exported.err) == (0, True)
    # The name of the file said how it is written.
    assert (tmp_path / "all.parquet").read_bytes()[:4] == b"PAR1"
    assert (listed.status, SAID in listed.err) == (1, True)
    assert (nowhere.status, nowhere.err) == (2, f"aoc: {tmp_path / 'no'}: is no directory\n")
