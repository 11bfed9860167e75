"""AOC's own audit trail: who did what at the gateway."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query

from aoc_api import problems
from aoc_api.access.note import Note
from aoc_api.audit.acts import audited
from aoc_api.deps import AdminScope, Noted, PrincipalDep, Services, ServicesDep, everywhere
from aoc_api.parameters import refuse_unknown, utc
from aoc_api.problems import BUSY
from aoc_common.contracts.access import includes
from aoc_common.contracts.audit import INSTALLATION, AuditEntry
from aoc_common.gateway.audit_trail import AuditTrailEntry, AuditTrailPage
from aoc_common.store.audit_trail import AuditQuery

router = APIRouter(prefix="/api/audit-trail", tags=["audit trail"], dependencies=[Depends(refuse_unknown)])


@dataclass(frozen=True, slots=True)
class Page:
    """Which entries a request asks for."""

    query: AuditQuery
    size: int


async def page(
    start: Annotated[datetime | None, Query(description="From this time on; UTC when it names no zone.")] = None,
    end: Annotated[datetime | None, Query(description="Before this time.")] = None,
    action: Annotated[
        str | None, Query(min_length=1, max_length=64, description="What was done.", examples=["events.search"])
    ] = None,
    actor: Annotated[str | None, Query(min_length=1, max_length=256, description="Id of who did it.")] = None,
    outcome: Annotated[Literal["success", "failure"] | None, Query(description="How it ended.")] = None,
    before: Annotated[str | None, Query(max_length=120, description="`next_before` of the page before.")] = None,
    page_size: Annotated[int, Query(ge=1, le=500, description="Entries a page.")] = 50,
) -> Page:
    """The page that a request's parameters describe, of the installation's entries."""
    query = AuditQuery(INSTALLATION, utc(start), utc(end), action, actor, outcome, before, page_size + 1)
    return Page(query, page_size)


PageDep = Annotated[Page, Depends(page)]
_RESPONSES: Final = problems.responses("repeated", "forbidden", "invalid-parameters", *BUSY)


@router.get("", response_model=AuditTrailPage, responses=_RESPONSES)
@audited("audit-trail.search", "read")
async def audit_trail(
    services: ServicesDep, principal: PrincipalDep, scope: AdminScope, note: Noted, page: PageDep
) -> AuditTrailPage:
    """What was done at the gateway about a tenant, newest first.

    About one that had the name before, and was deleted, administrators of all tenants read.
    """
    query = replace(page.query, tenant=scope.tenant)
    role = principal.role_over_everything()
    if role is None or not includes(role, "admin"):
        begun = await services.tenants.named_since(scope.tenant)
        query = replace(query, start=max((at for at in (query.start, begun) if at is not None), default=None))
    return await _read(services, query, page.size, note)


@router.get(
    "/installation",
    response_model=AuditTrailPage,
    dependencies=[Depends(everywhere("superadmin"))],
    responses=_RESPONSES,
)
@audited("audit-trail.search", "read")
async def audit_trail_of_installation(services: ServicesDep, note: Noted, page: PageDep) -> AuditTrailPage:
    """What was done that concerns no tenant: who signed in, who was refused, who may do what."""
    return await _read(services, page.query, page.size, note)


async def _read(services: Services, query: AuditQuery, size: int, note: Note) -> AuditTrailPage:
    entries = await services.audit_entries.search(query)
    shown = entries[:size]
    note.rows = len(shown)
    return AuditTrailPage(
        items=[_shown(entry) for entry in shown],
        next_before=shown[-1].id if len(entries) > size else None,
    )


def _shown(entry: AuditEntry) -> AuditTrailEntry:
    return AuditTrailEntry.model_validate({name: getattr(entry, name) for name in AuditTrailEntry.model_fields})
