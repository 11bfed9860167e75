"""Alerts: what rules have found, and what people do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query

from aoc_api import problems
from aoc_api.alert_filters import AlertFilters, AnalystAlertFilters, bound
from aoc_api.alert_summary import summary_of
from aoc_api.alert_work import change_of
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import AnalystScope, Noted, Paced, PrincipalDep, ReaderScope, Services, ServicesDep
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY, Problem
from aoc_common.contracts.access import Scope
from aoc_common.contracts.alert import Alert
from aoc_common.contracts.alert_changes import AlertChange
from aoc_common.contracts.privacy.alerts import redacted_alert
from aoc_common.gateway.alerts import (
    AlertChangeRequest,
    AlertDetail,
    AlertItem,
    AlertPage,
    AlertStatusRequest,
    AlertSummary,
    BulkAlerts,
    BulkAlertsRequest,
)

router = APIRouter(prefix="/api/alerts", tags=["alerts"], route_class=StrictRoute)

#: Alerts that are summed up, and that are changed by one request.
_SUMMED: Final = 10_000
MOST_AT_ONCE: Final = 1_000
_ALONE: Final = [Depends(refuse_unknown)]
_CHANGES: Final = problems.responses(
    "bad-request", "repeated", "forbidden", "not-found", "conflict", "too-slow", "too-large", "invalid-parameters",
    "notes-full", "unavailable",
)  # fmt: skip
AlertId = Annotated[UUID, Path(description="Id of the alert.", examples=["019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3"])]


@router.get(
    "",
    response_model=AlertPage,
    responses=problems.responses("cursor-invalid", "cursor-foreign", "repeated", "invalid-parameters", *BUSY),
)
@audited("alerts.list", "read")
async def list_alerts(
    query: AlertFilters,
    services: ServicesDep,
    paced: Paced,  # noqa: ARG001  # it is one of those that use the store
    note: Noted,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    page_size: Annotated[int, Query(ge=1, le=200, description="Alerts a page.")] = 50,
) -> AlertPage:
    """A tenant's alerts, newest first by when what they tell of has happened."""
    filtered = bound(query)
    before = services.cursors.read(cursor, filtered) if cursor is not None else None
    found = await services.alerts.search.search(replace(query, before=before, limit=page_size + 1))
    page = found[:page_size]
    note.rows = len(page)
    return AlertPage.model_construct(
        items=[AlertItem.of(alert) for alert in page],
        next_cursor=services.cursors.make(page[-1].id, filtered) if len(found) > page_size else None,
    )


@router.get(
    "/summary",
    response_model=AlertSummary,
    responses=problems.responses("repeated", "invalid-parameters", *BUSY),
)
@audited("alerts.summary", "read")
async def sum_up(
    query: AlertFilters,
    services: ServicesDep,
    paced: Paced,  # noqa: ARG001  # as above
    note: Noted,
) -> AlertSummary:
    """How many there are, of which rules, and how long it took to take notice of them and to resolve them."""
    facts = await services.alerts.search.facts(replace(query, limit=_SUMMED + 1))
    note.rows = min(len(facts), _SUMMED)
    return summary_of(facts[:_SUMMED], complete=len(facts) <= _SUMMED)


@router.post(
    "/bulk",
    response_model=BulkAlerts,
    responses=problems.responses(
        "bad-request", "repeated", "too-slow", "too-large", "invalid-parameters", "bulk-changed", *BUSY
    ),
)
@audited("alerts.bulk", "change")
async def change_many(
    query: AnalystAlertFilters,
    services: ServicesDep,
    principal: PrincipalDep,
    paced: Paced,  # noqa: ARG001  # as above
    note: Noted,
    body: BulkAlertsRequest,
) -> BulkAlerts:
    """Change all alerts that match, 1,000 at most. Without a token they are only counted.

    The answer to the first request has the count, and a token: the same request with it changes them, unless the number
    of alerts that match differs by now by more than ten, or one of a hundred.
    """
    found = await services.alerts.search.facts(replace(query, limit=MOST_AT_ONCE + 1))
    if len(found) > MOST_AT_ONCE:
        raise problems.invalid("start", f"more than {MOST_AT_ONCE:,} alerts match; narrow the time or the filters")
    asked = body.model_dump(mode="json", exclude={"token"}, exclude_unset=True)
    change: dict[str, Any] = {"query": bound(query), "change": asked, "principal": principal.id}
    note.about = orjson.dumps(asked).decode()
    if body.token is None:
        note.about = f"only counted: {note.about}"
        return BulkAlerts(count=len(found), token=services.bulk_tokens.make(len(found), change), changed=None, full=[])
    services.bulk_tokens.check(body.token, len(found), change)
    now = services.clock.now()
    wanted, full, changed = change_of(body, principal, now), list[UUID](), 0
    for one in found:
        try:
            after = await services.alerts.change(query.scope, one.id, wanted, principal, now, None)
            changed += after.changed_at == now
        except Problem as problem:
            if problem.slug == "notes-full":
                full.append(one.id)
            elif problem.slug != "not-found":  # it has left meanwhile
                raise
    note.rows = changed
    return BulkAlerts(count=len(found), token=None, changed=changed, full=full[:100])


@router.get(
    "/{alert_id}",
    response_model=AlertDetail,
    dependencies=_ALONE,
    responses=problems.responses("repeated", "forbidden", "not-found", "invalid-parameters", "unavailable"),
)
@audited("alerts.read", "read")
async def get_alert(services: ServicesDep, scope: ReaderScope, note: Noted, alert_id: AlertId) -> AlertDetail:
    """One alert, with its events, what was done with it and what people wrote."""
    alert = await services.alerts.alert(scope, alert_id)
    note.rows = 1
    return _shown(alert, scope)


@router.patch("/{alert_id}", response_model=AlertDetail, dependencies=_ALONE, responses=_CHANGES)
@audited("alerts.change", "change")
async def change_alert(
    services: ServicesDep,
    scope: AnalystScope,
    principal: PrincipalDep,
    note: Noted,
    alert_id: AlertId,
    body: AlertChangeRequest,
) -> AlertDetail:
    """Change an alert: how far one is, how grave it is, what it was, who looks after it, its ticket; or add a note."""
    return await _changed(services, scope, principal, note, alert_id, body)


@router.post("/{alert_id}/status", response_model=AlertDetail, dependencies=_ALONE, responses=_CHANGES)
@audited("alerts.status", "change")
async def set_status(
    services: ServicesDep,
    scope: AnalystScope,
    principal: PrincipalDep,
    note: Noted,
    alert_id: AlertId,
    body: AlertStatusRequest,
) -> AlertDetail:
    """Say how far one is with an alert."""
    return await _changed(services, scope, principal, note, alert_id, body)


async def _changed(  # what both routes have
    services: Services,
    scope: Scope,
    principal: PrincipalDep,
    note: Noted,
    alert_id: UUID,
    body: AlertChangeRequest | AlertStatusRequest,
) -> AlertDetail:
    now = services.clock.now()
    note.about = f"alert {alert_id}: {body.model_dump_json(exclude_unset=True)}"
    wanted: AlertChange = change_of(body, principal, now)
    alert = await services.alerts.change(scope, alert_id, wanted, principal, now, body.revision)
    return _shown(alert, scope)


def _shown(alert: Alert, scope: Scope) -> AlertDetail:
    return AlertDetail.of(redacted_alert(alert, scope.hidden.fields))
