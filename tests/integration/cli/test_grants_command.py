"""`aoc grants` as an operator uses it."""

from __future__ import annotations

import asyncio
import getpass
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from aoc_cli.trail_check import TrailCheck
from aoc_common.contracts.audit import INSTALLATION
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.break_glass import Lift
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.break_glass import MongoBreakGlass
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.grants import MongoGrants
from tenant_registry import settings_of

if TYPE_CHECKING:
    from aoc_common.contracts.audit import AuditEntry

KIM = "00000000-0000-0000-0000-00000000000A/10000000-0000-0000-0000-000000000001"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def aoc(command_line):
    """`aoc("list")`: status, stdout and stderr of `aoc grants list`."""
    return partial(command_line, "grants")


def stored(settings):
    async def read():
        async with connect(settings) as database:
            return await MongoGrants(database).listed("", 10)

    return asyncio.run(read())


def test_the_first_superadmin_is_given_and_the_last_one_stays(aoc) -> None:
    assert "nobody was granted anything yet" in aoc("list").err
    given = aoc(
        "add", "--person", KIM, "--role", "superadmin", "--everything", "--name", "Kim\x1b[31m", "--reason", "x"
    )
    first = given.out.split()[0]

    assert given.status == 0
    assert f"superadmin over everything  person {KIM.lower()} (Kim" in given.out
    assert "\x1b" not in given.out
    assert aoc("list").out == given.out
    refused = aoc("remove", first)
    assert refused.status == 1
    assert "the last superadmin" in refused.err
    aoc("add", "--group", KIM, "--role", "superadmin", "--everything")
    assert aoc("remove", first).status == 0
    assert aoc("remove", first).status == 1
    assert len(aoc("list").out.splitlines()) == 1


def test_what_is_changed_at_the_command_line_is_in_the_audit_trail(aoc, mongo_settings, monkeypatch) -> None:
    monkeypatch.setenv("SUDO_USER", "kim")
    grant = aoc("add", "--key", "k1", "--role", "reader", "--everything").out.split()[0]
    aoc("remove", grant)

    async def noted() -> tuple[list[AuditEntry], list[str]]:
        async with connect(mongo_settings) as database:
            trails = MongoAuditTrail(database), MongoAuditHeads(database)
            checked = await TrailCheck(*trails, INSTALLATION, datetime.now(UTC)).run([])
            return await trails[0].search(AuditQuery(INSTALLATION)), checked.faults

    entries, faults = asyncio.run(noted())
    assert {entry.event["unmapped"]["action"] for entry in entries} == {"grants.add", "grants.remove"}
    assert {entry.event["actor"]["user"]["uid"] for entry in entries} == {"local/kim"}
    assert all(f"grant {grant}" in entry.text for entry in entries)
    assert faults == []


def test_a_grant_is_listed_as_json(aoc) -> None:
    until = f"{NOW + timedelta(days=30):%Y-%m-%d}"
    aoc("add", "--key", "k1", "--role", "reader", "--tenant", "contoso", "--tenant-group", "retail", "--until", until)
    listed = json.loads(aoc("list", "--json").out)

    assert (listed["kind"], listed["grantee"], listed["role"]) == ("api-key", "key/k1", "reader")
    assert (listed["tenants"], listed["groups"], listed["everything"]) == (["contoso"], ["retail"], False)
    assert listed["until"].startswith(until)
    assert listed["in_force"] is True


@pytest.mark.slow
def test_a_grant_is_over_the_tenants_of_the_registry_that_have_the_names_now(aoc, registered, mongo_settings) -> None:
    registered("contoso")
    aoc("add", "--person", KIM, "--role", "reader", "--tenant", "contoso", "--tenant", "unknown")

    assert stored(mongo_settings)[0].directories == {"contoso": settings_of("contoso")["tenant_id"]}


@pytest.mark.parametrize(("sudo", "noted"), [("kim", "local/kim"), (None, "local/operator")])
def test_who_gives_it_is_noted_also_where_the_machine_does_not_know_its_user(
    aoc, mongo_settings, monkeypatch, sudo, noted
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.delenv("SUDO_USER", raising=False)
    if sudo is not None:
        monkeypatch.setenv("SUDO_USER", sudo)
    assert aoc("add", "--key", "k1", "--role", "reader", "--everything").status == 0

    assert stored(mongo_settings)[0].given_by == noted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--person", KIM, "--role", "owner", "--everything"), "--role owner: there are reader"),
        (("--person", KIM, "--role", "reader"), "say over what"),
        (("--person", KIM, "--role", "reader", "--tenant", "contoso", "--everything"), "say over what"),
        (("--person", KIM, "--role", "reader", "--tenant", "Contoso!"), "Contoso!"),
        (("--person", "kim@contoso.example", "--role", "reader", "--everything"), "DIRECTORY-ID/OBJECT-ID"),
        (("--role", "reader", "--everything"), "say who"),
        (("--person", KIM, "--key", "k", "--role", "reader", "--everything"), "say who"),
        (("--person", KIM, "--role", "reader", "--everything", "--until", "2020-01-01"), "lies in the past"),
        (("--person", KIM, "--role", "reader", "--everything", "--until", "soon"), "--until soon"),
    ],
)
def test_a_grant_that_is_wrong_is_refused(aoc, arguments, said) -> None:
    refused = aoc("add", *arguments)

    assert refused.status == 2
    assert said in refused.err
    assert aoc("list", "--json").out == ""


def test_who_has_lifted_privacy_rules_is_listed(aoc, mongo_settings) -> None:
    async def lift() -> None:
        async with connect(mongo_settings) as database:
            lifts = MongoBreakGlass(database)
            for name, hours in (("a", 1), ("b", -1)):
                at = NOW + timedelta(hours=hours - 1)
                await lifts.begin(
                    Lift(name, "contoso", "d/kim", "Kim Vale", f"case {name}", at, at + timedelta(hours=1))
                )

    asyncio.run(lift())
    lines = aoc("lifts", "--tenant", "contoso").out.splitlines()

    assert ["in force until" in line for line in lines] == [True, False]
    assert all("Kim Vale (d/kim): case" in line for line in lines)
    assert [json.loads(line)["id"] for line in aoc("lifts", "--tenant", "contoso", "--json").out.splitlines()] == [
        "a",
        "b",
    ]
    assert "nobody" in aoc("lifts", "--tenant", "fabrikam").err
    assert aoc("lifts", "--tenant", "A B").status == 2
