"""A gateway over a real database whose identity provider is the simulator, and browsers that sign in there."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
import structlog

from aoc_api.app import create_app
from aoc_api.auth_settings import AuthOptions
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, HookOptions
from aoc_common import http
from aoc_common.settings import NatsSettings
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_sim.app import create_app as create_simulator
from aoc_sim.settings import DEFAULT_TENANTS, GatewayApp, SimSettings
from key_pool import POOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fastapi import FastAPI
    from starlette.applications import Starlette

    from aoc_common.settings import MongoSettings
    from aoc_common.store.mongo.client import Database
    from aoc_sim.provider.accounts import Account

ENTRA = "http://127.0.0.1:8365"
AOC = "http://127.0.0.1:8080"


@dataclass
class Browser:
    """Keeps cookies, says where a request comes from, and follows a link only when it is told to."""

    client: httpx.AsyncClient
    entra: httpx.AsyncClient
    sim: Starlette
    shown: list[str] = field(default_factory=list)

    async def visit(self, address: str) -> httpx.Response:
        """A person opens an address."""
        headers = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        return await self.client.get(address, headers=headers)

    async def fetch(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A page of the gateway's own asks for something."""
        token = (await self.client.get("/api/me")).json().get("csrf_token", "")
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": AOC, "X-CSRF-Token": token} | more.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **more)

    async def answer_of_entra(self, role: str | None = "analyst", tenant: str = "contoso", **asked: str) -> str:
        """Begin to sign in, choose a person of this role; where the browser is sent back to."""
        begun = await self.client.get("/auth/login", params=asked)
        assert begun.status_code == 303, begun.text
        account = self._account((f"aoc.{role}",) if role else (), tenant)
        chosen = await self.entra.post(begun.headers["location"], data={"account": account.person.id})
        return str(chosen.headers["location"])

    async def sign_in(self, role: str | None = "analyst", tenant: str = "contoso", **asked: str) -> httpx.Response:
        return await self.visit(await self.answer_of_entra(role, tenant, **asked))

    def take_away(self, role: str, tenant: str = "contoso") -> None:
        """The directory takes an app role away from the one who has it."""
        account = self._account((f"aoc.{role}",), tenant)
        self.sim.state.provider.accounts._accounts[account.person.id] = replace(account, roles=())

    def _account(self, roles: tuple[str, ...], tenant: str) -> Account:
        accounts: list[Account] = self.sim.state.provider.accounts.all()
        return next(one for one in accounts if one.tenant.slug == tenant and one.roles == roles)

    @property
    def secret(self) -> str | None:
        return self.client.cookies.get("aoc-session-8080")


@dataclass
class Installation:
    """A gateway, and all that it logs."""

    app: FastAPI
    logged: list[Any]
    browser: Callable[[], Awaitable[Browser]]


@pytest.fixture
async def installed(
    mongo_settings: MongoSettings, database: Database, tmp_path, monkeypatch
) -> AsyncIterator[Callable[..., Awaitable[Installation]]]:
    """`await installed(**options)`: another replica. `options`: of `ApiOptions`."""
    await ensure_indexes(database, ("events", "vocabulary", "sessions"))
    await MongoTermEdition(database).begin()
    POOL.begin(monkeypatch)
    tenants = tuple(tenant.model_copy(update={"people": 20}) for tenant in DEFAULT_TENANTS)
    sim = create_simulator(SimSettings(events=0, live_rate=0, stories=[], tenants=tenants, public_url=ENTRA))
    monkeypatch.setenv("AOC_TEST_CURSOR_KEY", "of-all-replicas-of-this-test")

    def asking() -> http.Client:
        made = http.Client(transport=httpx.ASGITransport(sim))
        made.answer_bytes = 256 * 1024
        return made

    monkeypatch.setattr("aoc_api.parts.services.make_client", asking)
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(structlog.testing.capture_logs())
        entra = await stack.enter_async_context(httpx.AsyncClient(transport=httpx.ASGITransport(sim), base_url=ENTRA))

        async def start(**options: Any) -> Installation:
            auth = AuthOptions(
                client_id=GatewayApp().client_id, home_tenants=[DEFAULT_TENANTS[0].tenant_id], authority=ENTRA
            )
            spool = AuditOptions(spool=tmp_path / uuid4().hex)
            given = {"auth": auth, "default_tenant": "contoso", "cursor_key": "env:AOC_TEST_CURSOR_KEY", "audit": spool}
            nowhere = NatsSettings(url="nats://127.0.0.1:1")
            settings = ApiSettings(
                mongo=mongo_settings, nats=nowhere, webhooks=HookOptions(), api=ApiOptions(**(given | options))
            )
            app = create_app(settings)
            await stack.enter_async_context(app.router.lifespan_context(app))

            async def browser() -> Browser:
                client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AOC)
                return Browser(await stack.enter_async_context(client), entra, sim)

            return Installation(app, logged, browser)

        yield start


@pytest.fixture
async def aoc(installed: Callable[..., Awaitable[Installation]]) -> Installation:
    return await installed()


@pytest.fixture
async def browser(aoc: Installation) -> Browser:
    return await aoc.browser()


def query(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
