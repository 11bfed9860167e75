"""The FastAPI application: its routes, its problems, and the middleware around every request."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI

import aoc_api
from aoc_api import problem_schemas, problems
from aoc_api.access.guard import Guard
from aoc_api.audit.recorder import Recorder
from aoc_api.bodies import BodyLimits
from aoc_api.deps import refuse_repeated
from aoc_api.forwarded import ForwardedHeaders
from aoc_api.middleware import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fastapi import APIRouter

    from aoc_api.parts.services import Running
    from aoc_api.settings import ApiSettings


def application(settings: ApiSettings, routers: Sequence[APIRouter], services: Running) -> FastAPI:
    """An application of these routes. Its lifespan gives them `services`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services() as app.state.services:
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
    app.state.addresses = [*app.routes, *(route for router in routers for route in router.routes)]
    for router in routers:
        app.include_router(router)
    problems.install(app)
    problem_schemas.install(app)
    app.add_middleware(Guard)
    limits = BodyLimits(settings.api.limits.body_s, settings.api.limits.body_bytes_per_s)
    app.add_middleware(Recorder)
    app.add_middleware(
        Gate,
        limits=limits,
        forwarded=ForwardedHeaders(settings.api.trusted_proxies),
        hosts=settings.api.public_hosts,
        webhook_host=urlsplit(settings.webhooks.public_url or "").hostname,
        shut_in=settings.api.published_on_loopback,
    )
    return app
