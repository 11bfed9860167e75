"""People sign in with a real browser, at the simulated sign-in service, and out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

import chromium
from aoc_api.app import create_app
from aoc_api.auth_settings import AuthOptions
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, HookOptions
from aoc_cli.local.ports import free_port
from aoc_common.settings import NatsSettings
from aoc_common.store.mongo.client import ensure_indexes
from aoc_sim.app import create_app as create_simulator
from aoc_sim.settings import DEFAULT_TENANTS, GatewayApp, SimSettings
from listening import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aoc_common.settings import MongoSettings
    from aoc_common.store.mongo.client import Database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.path() is None, reason="needs Chromium on PATH"),
]


@pytest.fixture
async def address(mongo_settings: MongoSettings, database: Database, tmp_path: Path) -> AsyncIterator[str]:
    """A gateway on a port of its own, whose people sign in at a simulated sign-in service on another one."""
    await ensure_indexes(database, ("events", "vocabulary", "sessions"))
    port = free_port()
    entra = f"http://127.0.0.1:{port}"
    tenants = tuple(tenant.model_copy(update={"people": 20}) for tenant in DEFAULT_TENANTS)
    simulator = create_simulator(SimSettings(events=0, live_rate=0, stories=[], tenants=tenants, public_url=entra))
    auth = AuthOptions(client_id=GatewayApp().client_id, home_tenants=[DEFAULT_TENANTS[0].tenant_id], authority=entra)
    options = ApiOptions(auth=auth, default_tenant="contoso", audit=AuditOptions(spool=tmp_path / uuid4().hex))
    settings = ApiSettings(
        mongo=mongo_settings, nats=NatsSettings(url="nats://127.0.0.1:1"), webhooks=HookOptions(), api=options
    )
    app = create_app(settings)
    async with (
        listening(simulator, port),
        app.router.lifespan_context(app),
        listening(app) as where,
    ):
        yield where


async def signed_in(page: chromium.Page, address: str, shots: Path) -> dict[str, Any]:
    """Open a page of the gateway, choose an analyst at the sign-in service, and come back; who one is."""
    await page.open(f"{address}/api/me")
    await page.until("document.querySelector('button[name=account]') !== null")
    await page.screenshot(shots / "choose.png")
    await page.run("[...document.querySelectorAll('button')].find(one => one.textContent.includes('analyst')).click()")
    text = await page.until("location.pathname === '/api/me' && document.body.innerText")
    await page.screenshot(shots / "signed-in.png")
    found: dict[str, Any] = json.loads(text)
    return found


async def test_a_person_signs_in_with_a_browser_looks_at_events_and_signs_out(address, tmp_path) -> None:
    async with chromium.browsing(tmp_path / "profile") as page:
        await page.open(f"{address}/api/config/auth")
        refused = await page.run("fetch('/api/config/auth').then(one => one.status, failed => 'by policy')")
        await page.ignore_policies()
        me = await signed_in(page, address, tmp_path)
        cookies = await page.run("document.cookie")
        listed = await page.run("fetch('/api/events?tenant=contoso').then(one => one.status)")
        forged = await page.run("fetch('/auth/logout', {method: 'POST'}).then(one => one.status)")
        out = await page.run(
            "fetch('/auth/logout', {method: 'POST', headers: {'X-CSRF-Token': " + json.dumps(me["csrf_token"]) + "}})"
            ".then(one => one.status)"
        )
        after = await page.run("fetch('/api/me').then(one => one.status)")

    assert {grant["role"] for grant in me["grants"]} == {"analyst"}
    assert refused == "by policy"
    assert cookies == ""  # no script sees the session
    assert (listed, forged, after) == (200, 403, 401)
    assert out < 400
    assert (tmp_path / "signed-in.png").read_bytes().startswith(b"\x89PNG")


async def test_a_page_of_another_site_gets_nothing_of_who_is_signed_in(address, tmp_path) -> None:
    async def other_site(scope, _receive, send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<title>other</title>"})

    async with listening(other_site) as other, chromium.browsing(tmp_path / "profile") as page:
        await signed_in(page, address, tmp_path)
        # Another site to a browser: another host name.
        await page.open(other.replace("127.0.0.1", "localhost"))
        await page.until("document.title === 'other'")
        read = await page.run(
            f"fetch('{address}/api/me', {{credentials: 'include'}}).then(one => one.text(), failed => 'refused')"
        )
        posted = await page.run(
            f"fetch('{address}/auth/logout', {{method: 'POST', mode: 'no-cors', credentials: 'include'}})"
            ".then(one => one.type, failed => 'refused')"
        )
        await page.open(f"{address}/api/me")
        still = await page.until("location.pathname === '/api/me' && document.body.innerText")

    assert read == "refused"
    assert posted in {"opaque", "refused"}
    assert json.loads(still)["name"]  # the other site has not signed anybody out
