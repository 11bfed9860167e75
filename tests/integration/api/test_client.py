"""The client against a gateway, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import runpy
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from aoc_common.client import Absent, Gateway, Invalid, NotAllowed, NotSignedIn, NotVerified, Secret
from aoc_common.contracts.access import Grant
from aoc_common.gateway.access import GrantRequest
from aoc_common.gateway.sign_in import ApiKeyRequest
from aoc_common.store.mongo.client import ensure_indexes
from listening import listening
from making import NOW
from signing_in import make_key

HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "client.md"


@pytest.fixture
async def address(gateway):
    async with listening(gateway.app) as where:
        yield where


@pytest.fixture
async def client(address, database):
    """A client that shows a key which may do everything."""
    async with Gateway(address, Secret(await make_key(database))) as one:
        yield one


@pytest.fixture
async def stored(store, event):
    made = [event(f"{number:02}", hours=number // 3, actor=("dana", "eve")[number % 2]) for number in range(23)]
    await store(*made)
    return made


async def test_every_event_comes_once_over_all_pages(client, store, event, stored) -> None:
    seen = []
    async for page in client.events.pages(page_size=4):
        seen += page.items
        await store(event(f"new {len(seen)}", hours=-1), event(f"late {len(seen)}", hours=2))
    messages = [one.message for one in seen]

    assert len(messages) == len(set(messages))
    assert {one for one in messages if len(one) == 2} == {f"{number:02}" for number in range(23)}
    assert [one for one in messages if one.startswith("new")] == []


async def test_filters_are_the_gateway_s(client, stored) -> None:
    found = [one.message async for one in client.events.all(actor="eve", start=NOW - timedelta(hours=2), end=NOW)]
    facets = await client.events.facets(field=["actor", "service"], top=1, start=NOW - timedelta(days=1))
    summary = await client.events.summary(start=NOW - timedelta(days=1))
    with pytest.raises(Invalid) as raised:
        await client.events.page(page_size=501)

    assert sorted(found) == ["03", "05", "07"]
    assert {name: [one.value for one in values] for name, values in facets.facets.items()}["actor"] == ["dana"]
    assert summary.events == 23
    assert [error.name for error in raised.value.errors] == ["page_size"]
    assert "page_size" in str(raised.value)
    assert raised.value.request_id
    assert raised.value.advice


async def test_one_event_and_its_versions_are_read(client, stored) -> None:
    event = await client.events.get(stored[0].id)
    versions = [one.version async for one in client.events.all_versions(stored[0].id)]
    with pytest.raises(Absent, match="has no event"):
        await client.events.get(stored[0].id, tenant="fabrikam")

    assert (event.id, event.message, versions) == (stored[0].id, "00", [1])


@pytest.mark.parametrize("form", ["csv", "jsonl", "ocsf"])
async def test_an_export_is_a_file_once_it_is_what_the_gateway_has_noted(client, stored, tmp_path, form) -> None:
    receipt = await client.exports.to_file(tmp_path / "events", form, tenant="contoso")

    assert receipt.rows == 23
    assert hashlib.sha256((tmp_path / "events").read_bytes()).hexdigest() == receipt.sha256
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["events"]


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"rows": 22}])
async def test_an_export_that_is_not_what_was_noted_leaves_the_file_that_was_there(
    client, stored, tmp_path, monkeypatch, wrong
) -> None:
    whole = client.exports.noted

    async def noted(*of, **named):
        return (await whole(*of, **named)).model_copy(update=wrong)

    monkeypatch.setattr(client.exports, "noted", noted)
    (tmp_path / "events").write_text("before")
    with pytest.raises(NotVerified):
        await client.exports.to_file(tmp_path / "events", "jsonl")

    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"events": "before"}


async def test_keys_and_grants_are_made_shown_and_taken_back(client, address, database) -> None:
    await ensure_indexes(database, ("grants",))
    me = await client.access.me()
    keys, grants = await client.access.api_keys(), [one async for one in client.access.all_grants()]
    with pytest.raises(NotAllowed, match="An API key makes no API keys"):
        await client.access.make_api_key(
            ApiKeyRequest.model_validate({"name": "x", "grants": [{"role": "reader", "tenants": ["contoso"]}]})
        )
    with pytest.raises(NotAllowed, match="No API key gives roles"):
        await client.access.grant(GrantRequest(kind="api-key", grantee=me.principal, role="reader", everything=True))
    revoked = await client.access.revoke_api_key(keys.items[0].id)

    assert me.kind == "api-key"
    assert (grants, revoked.id) == ([], me.principal.removeprefix("key/"))
    assert revoked.state == "revoked"


async def test_who_may_not_and_who_is_nobody_is_told(address, database, stored) -> None:
    key = await make_key(database, Grant("reader", frozenset({"contoso"})))
    async with Gateway(address, Secret(key)) as reader, Gateway(address) as nobody:
        with pytest.raises(NotAllowed):
            await reader.tenants.pause("contoso")
        with pytest.raises(NotSignedIn):
            await nobody.access.me()

        assert (await reader.events.page(page_size=1)).items[0].message
        assert (await nobody.access.ways()).auth_enabled
        assert (await nobody.system.health()).status


async def test_the_gateway_is_asked_how_it_does(client, database) -> None:
    health = await client.system.health()

    assert health.licence == "ok"
    assert (await client.system.completeness(tenant="contoso")).sources == []
    assert (await client.system.source_health()).tenant == "contoso"
    assert (await client.system.report_keys()).keys == []
    assert (await client.tenants.list()).items == []
    assert "aoc_" in await client.system.metrics()
    async with asyncio.timeout(20):
        while not [one async for one in client.audit_trail.all(action="completeness.read")]:
            await asyncio.sleep(0.05)
    assert (await client.audit_trail.of_installation()).items is not None


async def test_the_example_of_the_how_to_runs(address, database, stored, tmp_path, monkeypatch, capsys) -> None:
    text = HOWTO.read_text("utf-8")
    (tmp_path / "example.py").write_text(dedent(text.split("```python\n")[1].split("```")[0]))
    monkeypatch.setenv("AOC_GATEWAY__URL", address)
    monkeypatch.setenv("AOC_KEY", await make_key(database, Grant("reader", frozenset({"contoso"})), name="howto"))
    monkeypatch.chdir(tmp_path)
    await asyncio.to_thread(runpy.run_path, str(tmp_path / "example.py"), run_name="__main__")
    said = capsys.readouterr().out

    assert "signed in as howto" in said
    assert "0 events, SHA-256" in said
    assert (tmp_path / "failures.csv").exists()
    assert "You need the role admin" in said
