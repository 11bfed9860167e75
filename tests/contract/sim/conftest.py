from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import made_worlds
from aoc_sim.app import create_app
from aoc_sim.settings import DEFAULT_TENANTS, SimSettings, TenantSettings
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
BASE = "http://sim.test"
SCOPES = {"graph": "https://graph.microsoft.com/.default", "activity": "https://manage.office.com/.default"}


class Sim:
    """One simulator in this process, and a client that signs in by itself."""

    def __init__(self, settings: SimSettings, clock: ManualClock) -> None:
        self.settings = settings
        self.clock = clock
        self.app = create_app(settings, clock)
        self.world = self.app.state.world
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE, trust_env=False)
        self._tokens: dict[tuple[str, str], str] = {}

    def tenant(self, slug: str = "contoso") -> TenantSettings:
        return next(t for t in self.settings.tenants if t.slug == slug)

    async def ask_token(self, tenant: str | None = None, **form: str) -> httpx.Response:
        contoso = self.tenant()
        body = {
            "grant_type": "client_credentials",
            "client_id": contoso.client_id,
            "client_secret": contoso.client_secret.get_secret_value(),
            "scope": SCOPES["graph"],
        } | form
        body = {key: value for key, value in body.items() if value}
        return await self.client.post(f"/{tenant or contoso.tenant_id}/oauth2/v2.0/token", data=body)

    async def token(self, api: str, slug: str = "contoso") -> str:
        if (api, slug) not in self._tokens:
            tenant = self.tenant(slug)
            answer = await self.ask_token(
                tenant.tenant_id,
                client_id=tenant.client_id,
                client_secret=tenant.client_secret.get_secret_value(),
                scope=SCOPES[api],
            )
            self._tokens[api, slug] = answer.json()["access_token"]
        return self._tokens[api, slug]

    def later(self, seconds: float) -> None:
        """So much time passes that no token of before is good any more."""
        self.clock.advance(seconds)
        self._tokens.clear()

    async def get(self, api: str, url: str, slug: str = "contoso", **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token(api, slug)}"}
        return await self.client.get(url, params=params or None, headers=headers)

    async def graph(self, path: str, slug: str = "contoso", **params: Any) -> httpx.Response:
        named = {f"${name}": value for name, value in params.items()}
        return await self.get("graph", f"/v1.0/{path}", slug, **named)

    def feed(self, slug: str = "contoso") -> str:
        return f"/api/v1.0/{self.tenant(slug).tenant_id}/activity/feed"

    async def start(self, content_type: str, slug: str = "contoso", **kwargs: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token('activity', slug)}"}
        url = f"{self.feed(slug)}/subscriptions/start"
        return await self.client.post(url, params={"contentType": content_type}, headers=headers, **kwargs)

    async def stop(self, content_type: str, slug: str = "contoso") -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token('activity', slug)}"}
        url = f"{self.feed(slug)}/subscriptions/stop"
        return await self.client.post(url, params={"contentType": content_type}, headers=headers)

    async def content(self, content_type: str, slug: str = "contoso", **params: str) -> httpx.Response:
        url = f"{self.feed(slug)}/subscriptions/content"
        return await self.get("activity", url, slug, contentType=content_type, **params)

    async def listing(self, content_type: str, slug: str = "contoso", **params: str) -> list[dict[str, Any]]:
        """All pages of a listing."""
        answer = await self.content(content_type, slug, **params)
        items = answer.json()
        while link := answer.headers.get("NextPageUri"):
            answer = await self.get("activity", link, slug)
            items += answer.json()
        return items

    async def truth(self, slug: str, source: str) -> list[str]:
        body = (await self.client.get("/_truth")).json()
        return body["tenants"][slug][source]["records"]


@pytest.fixture(scope="session")
def signing_key() -> str:
    """One key for all tests: making one takes a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
async def make_sim(signing_key: str, monkeypatch: pytest.MonkeyPatch):
    """A simulator with a clock that stands still; no throttling, no live traffic unless asked for."""
    monkeypatch.setattr("aoc_sim.app.World", made_worlds.world)
    made: list[Sim] = []

    def make(**options: Any) -> Sim:
        settings = {
            "events": 700,
            "live_rate": 0,
            "signing_key_pem": signing_key,
            "throttle": {"enabled": False},
            "tenants": tuple(tenant.model_copy(update={"people": 50}) for tenant in DEFAULT_TENANTS),
        } | options
        made.append(Sim(SimSettings(**settings), ManualClock(NOW)))
        return made[-1]

    yield make
    for sim in made:
        await sim.client.aclose()


@pytest.fixture
def sim(make_sim: Callable[..., Sim]) -> Sim:
    return make_sim()
