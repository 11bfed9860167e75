"""What the gateway is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api.parts.application import Routes, application
from aoc_api.parts.server import serving
from aoc_api.parts.services import make_services
from aoc_api.routes import (
    alert_exceptions,
    alerts,
    api_keys,
    audit_trail,
    auth,
    backfill,
    break_glass,
    completeness,
    entities,
    events,
    export,
    export_jobs,
    facets,
    grants,
    health,
    histogram,
    notes,
    notifications,
    overview,
    problems,
    related,
    report_keys,
    review_queues,
    rules,
    saved_searches,
    sessions,
    sinks,
    source_health,
    tail,
    tenants,
    tickets,
    webhooks,
)
from aoc_api.settings import ApiSettings
from aoc_common.settings import load

if TYPE_CHECKING:
    from fastapi import FastAPI

    from aoc_common.service.run import Service

#: In the order in which a path is looked for.
_MODULES = (
    health,
    auth,
    sessions,
    notifications,
    sinks,
    api_keys,
    export,  # before `events`, whose ids would be asked for
    export_jobs,
    tail,  # the same
    notes,  # the same
    events,
    related,
    facets,
    histogram,
    entities,
    alert_exceptions,  # its path goes on from theirs
    alerts,
    rules,
    saved_searches,
    overview,
    completeness,
    report_keys,
    source_health,
    backfill,
    tenants,
    grants,
    break_glass,
    audit_trail,
    webhooks,
    tickets,
    problems,
)
ROUTES = Routes([*(module.router for module in _MODULES), review_queues.dead_letters, review_queues.quarantine])


def make() -> Service:
    """The gateway that the environment describes. Raises `BadConfiguration`."""
    settings = load(ApiSettings)
    return serving(create_app(settings), settings)


def create_app(settings: ApiSettings) -> FastAPI:
    """The gateway. It starts also when NATS or MongoDB is away, and says so at /health.

    Raises `BadConfiguration` for a setting that names a secret which is not there.
    """
    return application(settings, ROUTES, make_services(settings))
