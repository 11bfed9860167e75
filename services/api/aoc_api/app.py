"""What the gateway is made of."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI

import aoc_api
from aoc_api import openapi, problems
from aoc_api.bodies import BodyLimits
from aoc_api.deps import refuse_repeated
from aoc_api.middleware import Gate
from aoc_api.parts.server import serving
from aoc_api.parts.services import make_services
from aoc_api.routes import backfill, completeness, events, facets, health, report_keys, source_health, webhooks
from aoc_api.routes import problems as problem_kinds
from aoc_api.settings import ApiSettings
from aoc_common.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.service.run import Service

ROUTES = (health, events, facets, completeness, report_keys, source_health, backfill, webhooks, problem_kinds)


def make() -> Service:
    """The gateway that the environment describes. Raises `BadConfiguration`."""
    settings = load(ApiSettings)
    return serving(create_app(settings), settings)


def create_app(settings: ApiSettings) -> FastAPI:
    """The gateway. It starts also when NATS or MongoDB is away, and says so at /health.

    Raises `BadConfiguration` for a setting that names a secret which is not there.
    """
    services = make_services(settings)

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
    for routes in ROUTES:
        app.include_router(routes.router)
    problems.install(app)
    openapi.install(app)
    limits = BodyLimits(settings.api.limits.body_s, settings.api.limits.body_bytes_per_s)
    app.add_middleware(Gate, limits=limits, public_host=urlsplit(settings.webhooks.public_url or "").hostname)
    return app
