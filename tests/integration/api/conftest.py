"""A gateway over a real database, reached as a client reaches it. NATS is away: queries do not need it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
import structlog
from motor.motor_asyncio import AsyncIOMotorClient

from aoc_api import rule_work
from aoc_api.app import create_app
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, LimitOptions
from aoc_common.contracts.audit import AuditEntry
from aoc_common.settings import NatsSettings, TelemetrySettings
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo import client
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.telemetry import tracing
from aoc_rules.catalogue import Catalogue
from making import an_event
from manual_clock import ManualClock
from signing_in import bearer, make_key
from tenant_filters import TenantFilters
from time_limits import TimeLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from fastapi import FastAPI

    from aoc_api.audit.spool import Spool
    from aoc_common.contracts.event import Event
    from aoc_common.settings import MongoSettings
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
#: No question may keep the database busy for longer.
LONGEST_MS = 20_000
NOWHERE = NatsSettings(url="nats://127.0.0.1:1")


@dataclass(frozen=True)
class Gateway:
    """A gateway in this process, a client of it, what it logs, and what it asks the database for."""

    app: FastAPI
    client: httpx.AsyncClient
    logged: list[Any]
    filters: TenantFilters

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        return await self.client.get(path, params=parameters or None)

    async def noted(self, action: str, tenant: str = "contoso") -> list[AuditEntry]:
        """The entries of the audit trail about an action, newest first, once there is one."""
        trail = self.app.state.services.audit_entries
        async with asyncio.timeout(10):
            while not (entries := await trail.search(AuditQuery(tenant, action=action))):
                await asyncio.sleep(0.05)
        return entries


def noted(gateway: Gateway) -> list[dict[str, Any]]:
    """What the spool of this gateway holds and has held since it was last emptied."""
    spool: Spool = gateway.app.state.services.audit._spool  # before anything is stored
    return [AuditEntry.read(line.decode()).event for line in spool.lines()]


@pytest.fixture
def no_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the shipped rules, which take long to load."""
    monkeypatch.setattr(rule_work, "_catalogue", partial(Catalogue, ()))


@pytest.fixture
def unstored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is brought from the spool into the store, so that it can be looked at."""

    async def wait(*_: object) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("aoc_api.audit.trail.AuditStoring.run", wait)


@pytest.fixture
def event() -> Callable[..., Event]:
    """`event("a", hours=2, actor="eve")`: an event of contoso two hours before `NOW`."""

    def make(record: str, hours: float = 0, tenant: str = "contoso", **changes: Any) -> Event:
        ours = {
            "class_uid": 3004,
            "operation": "New-InboxRule",
            "ocsf": {"metadata": {"uid": record}, "class_uid": 3004, "message": record},
            "raw": "{}",
        }
        return an_event(record, NOW - timedelta(hours=hours), tenant, **(ours | changes))

    return make


@pytest.fixture
async def store(database: Database) -> Callable[..., Awaitable[None]]:
    """`await store(event, ...)`."""
    await ensure_indexes(database, ("events", "vocabulary"))
    await MongoTermEdition(database).begin()
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))

    async def insert(*made: Event) -> None:
        await events.insert(made, ["p42"] * len(made))

    return insert


@pytest.fixture
async def serving(
    monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """`await serving(mongo)`: a gateway over that database; its client shows a key of `database` that may do all.

    `options`: of `ApiOptions`. All that it asks the database for names a tenant, and how long it may take.
    """
    filters, limits = TenantFilters(), TimeLimits()
    provider = tracing.make_provider("api", TelemetrySettings())
    monkeypatch.setattr(tracing, "tracer", lambda: provider.get_tracer("aoc"))
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(structlog.testing.capture_logs())

        async def start(mongo: MongoSettings, **options: Any) -> Gateway:
            spool = AuditOptions(spool=tmp_path / uuid4().hex)
            # What is found is no matter of how busy the machine is.
            unhurried = LimitOptions(search_s=60, wait_s=60)
            options = {"default_tenant": "contoso", "audit": spool, "limits": unhurried} | options
            app = create_app(ApiSettings(mongo=mongo, nats=NOWHERE, api=ApiOptions(**options)))
            with monkeypatch.context() as patch:
                patch.setattr(
                    client, "AsyncIOMotorClient", partial(AsyncIOMotorClient, event_listeners=[filters, limits])
                )
                await stack.enter_async_context(app.router.lifespan_context(app))
            app.state.services = replace(app.state.services, clock=ManualClock(NOW))
            caller = httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://127.0.0.1:8080",
                headers=bearer(await make_key(database)),
            )
            return Gateway(app, await stack.enter_async_context(caller), logged, filters)

        yield start
    assert filters.nameless == []
    assert limits.unlimited == []
    assert limits.longest_ms <= LONGEST_MS


@pytest.fixture
async def gateway(serving: Callable[..., Awaitable[Gateway]], mongo_settings: MongoSettings, store: object) -> Gateway:
    """A gateway over the test's own database, whose default tenant is contoso."""
    return await serving(mongo_settings)
