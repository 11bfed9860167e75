"""A gateway over a real database whose identity provider is the simulator, both in this process, at one clock."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

import made_worlds
from aoc_api.app import create_app
from aoc_api.auth_settings import AuthOptions
from aoc_api.entra.discovery import ANSWER_BYTES
from aoc_api.parts import services
from aoc_api.parts.access import MakeAccess
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions
from aoc_common import http
from aoc_common.settings import NatsSettings
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.tenants.tenant import Tenant
from aoc_sim.app import create_app as create_simulator
from aoc_sim.settings import DEFAULT_TENANTS, GatewayApp, SimSettings
from key_pool import POOL
from making import an_event
from manual_clock import ManualClock
from signing import BASE, CUSTOMER, HOME, EntraId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from aoc_common.settings import MongoSettings
    from aoc_common.store.mongo.client import Database

DIRECTORIES = {tenant.slug: tenant.tenant_id for tenant in DEFAULT_TENANTS}
APP = GatewayApp()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def entra(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EntraId]:
    """The provider. The people of contoso are at home; fabrikam is a customer."""
    POOL.begin(monkeypatch)
    monkeypatch.setattr("aoc_sim.app.World", made_worlds.world)
    tenants = tuple(tenant.model_copy(update={"people": 20}) for tenant in DEFAULT_TENANTS)
    sim = create_simulator(SimSettings(events=0, live_rate=0, stories=[], tenants=tenants, public_url=BASE), clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sim), base_url=BASE) as client:
        yield EntraId(sim, clock, client)


_DESCRIBED = [{"name": name, "tenant_id": id_, "client_id": id_} for name, id_ in DIRECTORIES.items()]


@dataclass
class Registry:
    """The tenants that are registered."""

    registered: list[Tenant]

    async def tenants(self) -> tuple[Tenant, ...]:
        return tuple(self.registered)

    async def get(self, name: str) -> Tenant | None:
        return next((tenant for tenant in self.registered if tenant.name == name), None)

    async def by_directory(self, tenant_id: str) -> tuple[Tenant, ...]:
        return tuple(tenant for tenant in self.registered if tenant.tenant_id == tenant_id)

    def changes(self, known: object = ()) -> Any:
        pytest.fail("nobody waits for changes")


@dataclass
class SignedInGateway:
    """A gateway, and what is registered with it."""

    client: httpx.AsyncClient
    registry: Registry

    async def get(self, token: str | bytes, path: str = "/api/events", **parameters: Any) -> httpx.Response:
        header = b"Bearer " + (token if isinstance(token, bytes) else token.encode())
        if path == "/api/events":
            parameters = {"tenant": HOME} | parameters
        return await self.client.get(path, params=parameters, headers={"Authorization": header})

    async def status(self, token: str | bytes, path: str = "/api/events", **parameters: Any) -> int:
        return (await self.get(token, path, **parameters)).status_code


@pytest.fixture
async def serve(
    mongo_settings: MongoSettings,
    database: Database,
    entra: EntraId,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Callable[..., Awaitable[SignedInGateway]]]:
    """`await serve(**auth)`: a gateway with an event of each tenant. `auth`: of `AuthOptions`.

    It is the whole gateway, but for the clock of its sign-in, its tenants, and how it reaches the sign-in service.
    """
    await ensure_indexes(database, ("events", "vocabulary"))
    await MongoTermEdition(database).begin()
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    made = [an_event(f"of-{tenant}", clock.now(), tenant, raw="{}") for tenant in (HOME, CUSTOMER)]
    await events.insert(made, ["p1"] * len(made))
    async with AsyncExitStack() as stack:

        async def start(**auth: Any) -> SignedInGateway:
            options = AuthOptions(
                **({"client_id": APP.client_id, "home_tenants": [DIRECTORIES[HOME]], "authority": BASE} | auth)
            )
            spool = AuditOptions(spool=tmp_path / uuid4().hex)
            settings = ApiSettings(
                mongo=mongo_settings,
                nats=NatsSettings(url="nats://127.0.0.1:1"),
                api=ApiOptions(auth=options, audit=spool),
            )
            registry = Registry([Tenant.model_validate(described) for described in _DESCRIBED])
            asking = http.Client(transport=httpx.ASGITransport(entra.sim))
            asking.answer_bytes = ANSWER_BYTES
            monkeypatch.setattr(services, "make_client", lambda: asking)
            monkeypatch.setattr(services, "MakeAccess", lambda options, _: MakeAccess(options, clock))
            monkeypatch.setattr(services, "tenants_file", lambda *_: registry)
            app = create_app(settings)
            await stack.enter_async_context(app.router.lifespan_context(app))
            app.state.services = replace(app.state.services, clock=clock)
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080")
            return SignedInGateway(await stack.enter_async_context(client), registry)

        yield start


@pytest.fixture
async def gateway(serve: Callable[..., Awaitable[SignedInGateway]]) -> SignedInGateway:
    return await serve()


@pytest.fixture
async def refused(gateway: SignedInGateway, entra: EntraId) -> Callable[[str | bytes], Awaitable[str]]:
    """`await refused(token)`: it opens nothing, and the answer says nothing of why."""

    async def check(token: str | bytes) -> str:
        # Keys are there: nothing is refused for the lack of them.
        assert await gateway.status(entra.token()) == 200
        answer = await gateway.get(token)
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="aoc", error="invalid_token"'
        assert answer.json()["type"] == "/problems/unauthenticated"
        return answer.json()["detail"]

    return check
