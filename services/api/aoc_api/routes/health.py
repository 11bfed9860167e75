"""Health, metrics, and an index of addresses."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import Route

import aoc_api
from aoc_api.deps import ServicesDep
from aoc_api.health_models import Health, Index, RouteView, stillness

router = APIRouter(tags=["operations"])


@router.get("/", include_in_schema=False)
async def index(request: Request) -> Index:
    """Every address of the gateway."""
    return Index(
        version=aoc_api.__version__,
        openapi="/openapi.json",
        routes=[
            RouteView(path=route.path, methods=_methods(route), summary=_summary(route))
            for route in request.app.state.addresses
            if isinstance(route, Route)
        ],
    )


@router.get(
    "/health", response_model=Health, responses={503: {"model": Health, "description": "The database is away."}}
)
async def health(services: ServicesDep, response: Response) -> Health:
    """The state of the gateway, NATS and MongoDB, what waits for a decision, and what stands still since when.

    503 when MongoDB is away: nothing can be answered then.
    """
    states = await services.checks("nats", "mongo", "dead_letters", "quarantine", "services")
    # As the doctor grades it: a record in the quarantine is worth a look, and nothing fails.
    status = "ok" if all(answer == "ok" for name, answer in states.items() if name != "quarantine") else "degraded"
    if states["mongo"] != "ok":
        status, response.status_code = "unavailable", 503
    still = stillness(services.still())
    return Health.model_validate({**states, "status": status, "stands_still": still, "version": aoc_api.__version__})


@router.get("/livez", include_in_schema=False)
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(services: ServicesDep) -> JSONResponse:
    """Ready when the database answers."""
    states = await services.checks("mongo")
    ready = states["mongo"] == "ok"
    return JSONResponse({"status": "ok" if ready else "unavailable", "checks": states}, 200 if ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _methods(route: Route) -> list[str]:
    return sorted({*(route.methods or ()), *(["HEAD"] if "GET" in (route.methods or ()) else ())})


def _summary(route: Route) -> str:
    """The first line of what a handler says of itself; FastAPI's own have none."""
    return (route.endpoint.__doc__ or "The description of all of them, as OpenAPI.").strip().partition("\n")[0]
