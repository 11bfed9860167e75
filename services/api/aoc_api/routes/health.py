"""Health, metrics, and the way in."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import aoc_api
from aoc_api.deps import Given
from aoc_api.models import Health
from aoc_common.health import run_probes

router = APIRouter(tags=["operations"])


@router.get("/", include_in_schema=False)
async def index() -> dict[str, str]:
    """Where to go."""
    return {
        "events": "/api/events",
        "facets": "/api/facets",
        "health": "/health",
        "metrics": "/metrics",
        "openapi": "/openapi.json",
    }


@router.get(
    "/health", response_model=Health, responses={503: {"model": Health, "description": "The database is away."}}
)
async def health(given: Given, response: Response) -> Health:
    """The state of the gateway, NATS and MongoDB, and whether dead letters wait.

    503 when MongoDB is away: nothing can be answered then.
    """
    states = await run_probes(given.probes)
    status = "ok" if states["nats"] == states["dead_letters"] == "ok" else "degraded"
    if states["mongo"] != "ok":
        status, response.status_code = "unavailable", 503
    return Health(status=status, version=aoc_api.__version__, **states)


@router.get("/livez", include_in_schema=False)
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
async def readyz(given: Given) -> JSONResponse:
    """Ready when the database answers."""
    states = await run_probes({"mongo": given.probes["mongo"]})
    ready = states["mongo"] == "ok"
    return JSONResponse({"status": "ok" if ready else "unavailable", "checks": states}, 200 if ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
