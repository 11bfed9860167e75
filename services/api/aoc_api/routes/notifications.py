"""Notifications: the routes by which people are told of alerts. They are set in a file of the alerter's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path, Query

from aoc_api import problems
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, Services, ServicesDep, everywhere
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.jobs import NotificationJob
from aoc_common.contracts.notifications import ROUTE_PATTERN
from aoc_common.errors import BadConfiguration, NotFound, Transient
from aoc_common.gateway.notifications import (
    NotificationPreview,
    NotificationRoute,
    NotificationRoutes,
    NotificationTest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(
    prefix="/api/notifications",
    tags=["notifications"],
    route_class=StrictRoute,
    dependencies=[Depends(refuse_unknown)],
)

ReaderDep = Annotated[Principal, Depends(everywhere("admin"))]
TesterDep = Annotated[Principal, Depends(everywhere("superadmin"))]
Name = Annotated[str, Path(pattern=ROUTE_PATTERN, description="The route's name.")]
_READ: Final = ("repeated", "forbidden", "invalid-parameters", "unavailable")
_ASK: Final = (*_READ, "not-found", "check-failed", "not-now")


@router.get("", response_model=NotificationRoutes, responses=problems.responses(*_READ))
@audited("notifications.list", "read")
async def list_routes(services: ServicesDep, _reader: ReaderDep) -> NotificationRoutes:
    """All routes by which people are told of alerts, and how they fare."""
    states = await services.notifications.routes.all()
    return NotificationRoutes(items=[NotificationRoute.of(state) for state in states])


@router.post("/{route}/test", response_model=NotificationTest, responses=problems.responses(*_ASK))
@audited("notifications.test", "change")
async def try_route(route: Name, services: ServicesDep, _tester: TesterDep, note: Noted) -> NotificationTest:
    """Send a message that says nothing of anybody, and say what the destination answered."""
    note.about = route
    return NotificationTest.model_validate(await _asked(services, "test", route))


@router.post("/{route}/preview", response_model=NotificationPreview, responses=problems.responses(*_ASK))
@audited("notifications.preview", "read")
async def preview_route(
    route: Name,
    services: ServicesDep,
    _tester: TesterDep,
    note: Noted,
    alert: Annotated[UUID, Query(description="Id of an alert.")],
) -> NotificationPreview:
    """What would be said of an alert. Nothing is sent."""
    note.about = f"{route}, alert {alert}"
    answer = await _asked(services, "preview", route, alert=str(alert))
    note.tenant = str(answer["tenant"])
    return NotificationPreview.model_validate(answer)


async def _asked(services: Services, what: Literal["test", "preview"], route: str, **more: Any) -> Mapping[str, Any]:
    if all(state.name != route for state in await services.notifications.routes.all()):
        raise NotFound(f"There is no route {route}.")
    job = NotificationJob(what=what, route=route, ticket=uuid4().hex, **more)
    try:
        return await services.notifications.questions.asked(job)
    except BadConfiguration as error:
        raise problems.Problem("check-failed", f"{error}.") from None
    except Transient as error:
        raise problems.not_now(f"Not done: {error}.") from error
