"""`aoc api-keys` as an operator uses it."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from aoc_common.contracts.audit import INSTALLATION
from aoc_common.contracts.credentials import fingerprint, is_api_key
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.client import connect
from tenant_registry import settings_of


@pytest.fixture
def aoc(command_line):
    """`aoc("list")`: status, stdout and stderr of `aoc api-keys list`."""
    return partial(command_line, "api-keys")


def test_a_key_is_made_listed_and_revoked(aoc) -> None:
    made = aoc("create", "nightly report", "--tenant", "contoso", "--tenant-group", "retail", "--days", "9")
    secret = made.out.strip()
    key_id = fingerprint(secret).id
    listed = aoc("list").out

    assert (made.status, is_api_key(secret)) == (0, True)
    assert listed.startswith(f"{key_id}  valid  until ")
    assert "never used  nightly report  (reader over contoso, group retail)" in listed
    assert secret not in listed + made.err
    assert aoc("revoke", key_id).status == 0
    assert aoc("list").out.startswith(f"{key_id}  revoked")
    shown = json.loads(aoc("list", "--json").out)
    assert (shown["rights"], shown["valid"]) == (["reader over contoso, group retail"], False)


def test_a_key_names_who_made_and_revoked_it_as_the_audit_trail_does(aoc, mongo_settings, monkeypatch) -> None:
    monkeypatch.setenv("SUDO_USER", "kim")
    of = fingerprint(aoc("create", "k", "--everything").out.strip())
    monkeypatch.setenv("SUDO_USER", "lee")
    assert aoc("revoke", of.id).status == 0

    async def stored():
        async with connect(mongo_settings) as database:
            [key] = await MongoApiKeys(database).listed()
            entries = await MongoAuditTrail(database).search(AuditQuery(INSTALLATION))
            return key, [entry.event["actor"]["user"]["uid"] for entry in entries]

    key, noted = asyncio.run(stored())

    assert (key.made_by, key.revoked_by) == ("local/kim", "local/lee")
    assert sorted(noted) == ["local/kim", "local/lee"]


def test_a_key_is_over_the_tenants_of_the_registry_that_have_the_names_now(aoc, registered, mongo_settings) -> None:
    registered("contoso")
    secret = aoc("create", "k", "--tenant", "contoso", "--tenant", "unknown").out.strip()

    async def stored():
        async with connect(mongo_settings) as database:
            return await MongoApiKeys(database).find(fingerprint(secret))

    assert asyncio.run(stored()).directories == {"contoso": settings_of("contoso")["tenant_id"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("k", "--role", "owner", "--everything"), "--role owner: there are reader"),
        (("k",), "say over what"),
        (("k", "--tenant", "contoso", "--everything"), "say over what"),
        (("k", "--tenant", "Contoso!"), "Contoso!"),
        (("k", "--tenant-group", "Retail!"), "Retail!"),
        (("k\x1b[31m", "--everything"), "the name must be"),
        (("k" * 101, "--everything"), "the name must be"),
    ],
)
def test_a_key_that_is_wrong_is_refused(aoc, arguments, words) -> None:
    refused = aoc("create", *arguments)

    assert (refused.status, refused.out) == (2, "")
    assert words in refused.err
    assert aoc("list").out == ""


def test_a_key_that_is_not_there_cannot_be_revoked(aoc) -> None:
    assert aoc("revoke", "5f2b8c1d9e3a4f60b7c8d9e0").status == 1
