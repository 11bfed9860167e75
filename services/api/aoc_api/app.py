"""The only place where the gateway is wired together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI
from nats.errors import Error as NatsError

import aoc_api
from aoc_api import openapi, problems
from aoc_api.cursors import make_cursors
from aoc_api.deps import Services
from aoc_api.middleware import Gate
from aoc_api.routes import completeness, events, facets, health
from aoc_api.routes import problems as problem_kinds
from aoc_common.bus.broker import close, connected, make_broker
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import connect, ping
from aoc_common.store.mongo.event_search import MongoEventSearch
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from faststream.nats import NatsBroker

    from aoc_api.settings import ApiSettings

_log = logs.get(__name__)
_RETRY_S = 2.0


def create_app(settings: ApiSettings) -> FastAPI:
    """The gateway. It starts also when NATS or MongoDB is away, and says so at /health.

    Raises `BadConfiguration` for a setting that names a secret which is not there.
    """
    cursors = make_cursors(settings.api.cursor_key)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(connect(settings.mongo))
            broker = make_broker(settings.nats, "api")
            connecting = asyncio.create_task(_keep_connecting(broker))
            app.state.services = Services(
                search=MongoEventSearch(database),
                accounts=MongoAccount(database),
                cursors=cursors,
                options=settings.api,
                probes={"nats": partial(_nats, broker), "mongo": partial(ping, database)},
                clock=SystemClock(),
            )
            if settings.api.cursor_key is None:
                _log.warning("cursor_key.generated", hint="set AOC_API__CURSOR_KEY so that cursors outlive a restart")
            _log.info("service.started")
            yield
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            await close(broker)

    app = FastAPI(
        title="AOC gateway",
        version=aoc_api.__version__,
        summary="Search the audit events of Microsoft 365, Entra ID and Intune.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    for router in (health.router, events.router, facets.router, completeness.router, problem_kinds.router):
        app.include_router(router)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Gate)
    return app


async def _keep_connecting(broker: NatsBroker) -> None:
    """Connect as soon as NATS is there; from then on the client reconnects by itself."""
    while True:
        try:
            await broker.connect()
        except (NatsError, OSError) as error:
            _log.warning("nats.unreachable", error=str(error))
            await asyncio.sleep(_RETRY_S)
        else:
            return


async def _nats(broker: NatsBroker) -> str | None:
    return None if connected(broker) else "not connected"
