"""The FastAPI application: its routes, its problems, and the middleware around every request."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

import aoc_api
from aoc_api import problem_schemas, problems
from aoc_api.access.guard import Guard, is_public
from aoc_api.audit.recorder import Recorder
from aoc_api.bodies import BodyLimits
from aoc_api.cancelled_reads import CancelledReads
from aoc_api.forwarded import ForwardedHeaders
from aoc_api.middleware import Gate
from aoc_api.parameters import refuse_repeated
from aoc_api.request_ids import CORRELATION, REQUEST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aoc_api.parts.services import Running
    from aoc_api.settings import ApiSettings

#: What pages of other origins may use (`AOC_API__CORS_ORIGINS`), send, and see.
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT: Final = (
    "Authorization", "Content-Type", "If-Match", "If-Range", "Last-Event-ID", "Range", "traceparent", CORRELATION,
)  # fmt: skip
_SHOWN: Final = (
    "Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Location", "RateLimit", "RateLimit-Policy",
    "Repr-Digest", "Retry-After", "traceresponse", CORRELATION, REQUEST,
)  # fmt: skip


class Routes:
    """All routes of the gateway, with what each of them asks for.

    FastAPI reads a route's parameters when somebody first looks for it, which takes as long as hundreds of requests:
    so all applications of a process share them.
    """

    def __init__(self, routers: Sequence[APIRouter]) -> None:
        whole = APIRouter(dependencies=[Depends(refuse_repeated)])
        for router in routers:
            whole.include_router(router)
        self.whole = whole
        self.each = [route for router in routers for route in router.routes]


def application(settings: ApiSettings, routes: Routes, services: Running) -> FastAPI:
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
        routes=routes.whole.routes,
        docs_url=None,
        redoc_url=None,
    )
    its_own = [route for route in app.routes if isinstance(route, Route)]
    app.state.addresses = [*its_own, *routes.each]
    problems.install(app)
    problem_schemas.install(app, is_public)
    app.add_middleware(Guard)
    limits = BodyLimits(settings.api.limits.body_s, settings.api.limits.body_bytes_per_s)
    app.add_middleware(Recorder)
    app.add_middleware(CancelledReads, begin_s=settings.api.limits.begin_s)
    if settings.api.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.api.cors_origins,
            allow_methods=_METHODS,
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            allow_credentials=False,
        )
    app.add_middleware(
        Gate,
        limits=limits,
        forwarded=ForwardedHeaders(settings.api.trusted_proxies),
        hosts=settings.api.public_hosts,
        webhook_host=urlsplit(settings.webhooks.public_url or "").hostname,
        shut_in=settings.api.published_on_loopback,
        varies=bool(settings.api.cors_origins),
    )
    return app
