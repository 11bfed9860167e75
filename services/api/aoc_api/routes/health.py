"""Health, metrics, and an index of addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import Route

import aoc_api
from aoc_api import problems
from aoc_api.access.visits import is_visit
from aoc_api.deps import ServicesDep, monitored
from aoc_api.routes.pages import first_page
from aoc_common.gateway.health import Health, HealthStatus, Index, RouteView, stillness

router = APIRouter(tags=["operations"])

#: As the doctor grades them: they are worth a look, and nothing fails.
_ADVICE = frozenset({"quarantine", "licence"})


@router.get("/", include_in_schema=False, response_model=Index)
async def index(request: Request) -> Index | Response:
    """Every address of the gateway; a page for a person who opens it in a browser."""
    if is_visit(request):
        return first_page()
    return Index(
        version=aoc_api.__version__,
        openapi="/openapi.json",
        routes=[
            RouteView(path=path, methods=_methods(routes), summary=_summary(routes[0]))
            for path, routes in _by_path(request.app.state.addresses).items()
        ],
    )


@router.get(
    "/health",
    response_model=Health | HealthStatus,
    responses={503: {"model": Health | HealthStatus, "description": "The database is away."}},
)
async def health(request: Request, services: ServicesDep, response: Response) -> Health | HealthStatus:
    """The state of the gateway, NATS and MongoDB, what waits for a decision, and what stands still since when.

    503 when MongoDB is away: nothing can be answered then. Only `status` for who does not show that they may see more.
    """
    states, permitted = await asyncio.gather(
        services.checks("nats", "mongo", "dead_letters", "quarantine", "services", "licence"),
        services.monitoring.permits(request, services.authenticate),
    )
    status = "ok" if all(answer == "ok" for name, answer in states.items() if name not in _ADVICE) else "degraded"
    if states["mongo"] != "ok":
        status, response.status_code = "unavailable", 503
    if not permitted:
        return HealthStatus(status=status)
    still = stillness(services.still())
    return Health.model_validate({**states, "status": status, "stands_still": still, "version": aoc_api.__version__})


@router.get("/livez", include_in_schema=False)
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request, services: ServicesDep) -> JSONResponse:
    """Ready when the database answers."""
    states = await services.checks("mongo")
    ready = states["mongo"] == "ok"
    if not ready and not await services.monitoring.permits(request, services.authenticate):
        states = {"mongo": "away"}
    return JSONResponse({"status": "ok" if ready else "unavailable", "checks": states}, 200 if ready else 503)


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=[Depends(monitored)],
    responses={
        200: {"content": {"text/plain": {}}},
        **problems.responses("unauthenticated", "forbidden", "unavailable"),
    },
)
async def metrics() -> Response:
    """Prometheus metrics, for the monitoring token, or a reader of all tenants."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _by_path(addresses: Sequence[object]) -> dict[str, list[Route]]:
    found: dict[str, list[Route]] = {}
    for route in addresses:
        if isinstance(route, Route):
            found.setdefault(route.path, []).append(route)
    return found


def _methods(routes: Sequence[Route]) -> list[str]:
    """What may be asked of a path. HEAD goes with GET."""
    methods = {method for route in routes for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _summary(route: Route) -> str:
    """The first line of what a handler says of itself; FastAPI's own have none."""
    return (route.endpoint.__doc__ or "The description of all of them, as OpenAPI.").strip().partition("\n")[0]
