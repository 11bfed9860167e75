"""The only place where the gateway is wired together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from nats.errors import Error as NatsError

import aoc_api
from aoc_api import openapi, problems
from aoc_api.asking import make_ask
from aoc_api.bodies import BodyLimits
from aoc_api.coalesce import Coalesced
from aoc_api.cursors import make_cursors
from aoc_api.deps import Services, refuse_repeated
from aoc_api.middleware import Gate
from aoc_api.routes import backfill, completeness, events, facets, health, report_keys, source_health, webhooks
from aoc_api.routes import problems as problem_kinds
from aoc_api.turns import Turns
from aoc_api.webhooks.content import Decryption
from aoc_api.webhooks.judge import Judge
from aoc_api.webhooks.replays import Replays
from aoc_api.webhooks.tenants import read_registrations
from aoc_api.webhooks.tokens import SigningKeys, ValidationTokens
from aoc_common import http
from aoc_common.bus.broker import close, connected, connection, make_broker
from aoc_common.bus.complaints import Complaints
from aoc_common.bus.lag import Look, look
from aoc_common.clock import SystemClock
from aoc_common.errors import Unreachable
from aoc_common.heartbeat import beating
from aoc_common.lookout import Lookout
from aoc_common.store.mongo import dead_letters, quarantine
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import connect, ping
from aoc_common.store.mongo.event_search import MongoEventSearch
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from aoc_common.telemetry import logs
from aoc_common.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any

    import httpx
    from faststream.nats import NatsBroker

    from aoc_api.settings import ApiSettings, HookOptions
    from aoc_common.clock import Clock
    from aoc_common.health import Probe

_log = logs.get(__name__)
_RETRY_S = 2.0
#: Seconds. Less than Microsoft waits for an answer to a notification.
_KEYS_TIMEOUT_S = 1.5
#: Seconds that the database may take for anything that is asked here; no answer is waited for any longer.
_ANSWER_S = 10.0
#: Seconds for which an answer about the servers is given to all who ask.
_HEALTH_S = 1.0


def create_app(settings: ApiSettings) -> FastAPI:
    """The gateway. It starts also when NATS or MongoDB is away, and says so at /health.

    Raises `BadConfiguration` for a setting that names a secret which is not there.
    """
    cursors = make_cursors(settings.api.cursor_key)
    judge = make_judge(settings.webhooks)
    clock = SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(connect(settings.mongo, _ANSWER_S))
            # Searches say themselves how long each of their questions may take, and probes are not waited for.
            searched = await stack.enter_async_context(connect(settings.mongo))
            broker = make_broker(settings.nats, "api")
            client = await stack.enter_async_context(http.make_client(timeout_s=_KEYS_TIMEOUT_S))
            stack.push_async_callback(close, broker)
            lookout = Lookout(partial(_look, broker), clock)
            await stack.enter_async_context(_beside(_keep_connecting(broker)))
            await stack.enter_async_context(beating(broker, "api", Pulse()))
            await stack.enter_async_context(_beside(lookout.run()))
            probes: dict[str, Probe] = {
                "nats": partial(_nats, broker),
                "mongo": partial(ping, searched),
                "dead_letters": partial(dead_letters.waiting, searched),
                "quarantine": partial(quarantine.waiting, searched),
                "services": lookout.probe,
            }
            app.state.services = Services(
                search=MongoEventSearch(searched),
                accounts=MongoAccount(database),
                same_account=Coalesced(),
                keys=MongoKeyRegister(database),
                cursors=cursors,
                options=settings.api,
                probes=probes,
                same_health=Coalesced(_HEALTH_S),
                still=lookout.still,
                turns=Turns(settings.api.limits),
                clock=clock,
                ask=make_ask(broker),
                judge=judge(client, clock) if judge else None,
            )
            if settings.api.cursor_key is None:
                _log.warning("cursor_key.generated", hint="set AOC_API__CURSOR_KEY so that cursors outlive a restart")
            _log.info("service.started")
            yield

    app = FastAPI(
        title="AOC gateway",
        version=aoc_api.__version__,
        summary="Search the audit events of Microsoft 365, Entra ID and Intune.",
        lifespan=lifespan,
        dependencies=[Depends(refuse_repeated)],
        docs_url=None,
        redoc_url=None,
    )
    for part in (health, events, facets, completeness, report_keys, source_health, backfill, webhooks, problem_kinds):
        app.include_router(part.router)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(
        Gate,
        limits=BodyLimits(settings.api.limits.body_s, settings.api.limits.body_bytes_per_s),
        public_host=urlsplit(settings.webhooks.public_url or "").hostname,
    )
    return app


def make_judge(options: HookOptions) -> Callable[[httpx.AsyncClient, Clock], Judge] | None:
    """What judges notifications, as soon as there is a client; None when webhooks are off.

    Raises `BadConfiguration` for a secret, key or tenants file that is not there or not what it should be.
    """
    seals = options.seals()
    if seals is None:
        return None
    registrations, decryption = read_registrations(options.tenants_file), Decryption(options.decryption_keys)

    def make(client: httpx.AsyncClient, clock: Clock) -> Judge:
        tokens = ValidationTokens(registrations, SigningKeys(client, clock))
        return Judge(seals, tokens, decryption, Replays(options.replay_memory, clock))

    return make


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """`work` in a task that ends on leaving."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look(broker: NatsBroker) -> Look:
    if not connected(broker):
        raise Unreachable("the bus is not connected")
    return await look(connection(broker))


async def _keep_connecting(broker: NatsBroker) -> None:
    """Connect as soon as NATS is there; from then on the client reconnects by itself."""
    complaints = Complaints()
    while True:
        try:
            await broker.connect()
        except (NatsError, OSError) as error:
            why = str(error) or type(error).__name__
            if count := complaints.due(why):
                _log.warning("nats.unreachable", error=why, times=count)
            await asyncio.sleep(_RETRY_S)
        else:
            return


async def _nats(broker: NatsBroker) -> str | None:
    return None if connected(broker) else "not connected"
