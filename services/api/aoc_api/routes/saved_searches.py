"""Searches that are kept, private or shared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, Path, Query

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, PrincipalDep, ReaderScope, Services, ServicesDep
from aoc_api.filters import written
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.access import includes
from aoc_common.gateway.saved_searches import SavedSearchChange, SavedSearchList, SavedSearchRequest, SavedSearchView
from aoc_common.store.saved_searches import NameTaken, SavedSearch

if TYPE_CHECKING:
    from aoc_api.access.principal import Principal
    from aoc_common.contracts.access import Scope

router = APIRouter(
    prefix="/api/saved-searches", tags=["events"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)]
)

#: Searches that one principal keeps of one tenant.
MOST: Final = 100
#: Shared ones that are looked through for a page.
_PAGE: Final = 200
_READ: Final = ("repeated", "forbidden", "invalid-parameters", "unavailable")
_BODY: Final = ("bad-request", "too-slow", "too-large")
_CHANGE: Final = (*_READ, *_BODY, "not-found", "name-taken")
_ID: Final = "^[0-9a-f]{1,64}$"
_EXAMPLE: Final = "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21"
SearchId = Annotated[str, Path(max_length=64, pattern=_ID, description="Its id.", examples=[_EXAMPLE])]


@router.get("", response_model=SavedSearchList, responses=problems.responses(*_READ))
@audited("saved-searches.list", "read")
async def list_saved_searches(
    services: ServicesDep,
    principal: PrincipalDep,
    scope: ReaderScope,
    note: Noted,
    after: Annotated[
        str | None,
        Query(max_length=64, pattern=_ID, description="`next_after` of the answer before.", examples=[_EXAMPLE]),
    ] = None,
) -> SavedSearchList:
    """Your own, and those that others share. A page may have few: go on until `next_after` is null.

    One that is shared is shown to those from whom no more is hidden than was from its owner: its text could tell it.
    """
    own = [] if after is not None else await services.saved_searches.listed(scope.tenant, principal.id, "", MOST)
    shared = await services.saved_searches.listed(scope.tenant, None, after or "", _PAGE)
    others = [one for one in shared if one.owner != principal.id and _is_seen(one, principal, scope)]
    note.rows = len(own) + len(others)
    return SavedSearchList(
        items=[SavedSearchView.of(one, principal.id) for one in (*own, *others)],
        next_after=shared[-1].id if len(shared) == _PAGE else None,
    )


@router.post(
    "",
    status_code=201,
    response_model=SavedSearchView,
    responses=problems.responses(*_READ, *_BODY, "too-many-kept", "name-taken"),
)
@audited("saved-searches.make", "create")
async def make_saved_search(
    request: SavedSearchRequest, services: ServicesDep, principal: PrincipalDep, scope: ReaderScope, note: Noted
) -> SavedSearchView:
    """Keep a search. Of one tenant you keep one of a name, whatever its case."""
    now = services.clock.now()
    search = SavedSearch(
        id=uuid4().hex,
        tenant=scope.tenant,
        owner=principal.id,
        owner_name=principal.name,
        name=request.name,
        parameters=written(request.parameters),
        shared=request.shared,
        hidden=scope.hidden,
        created_at=now,
        changed_at=now,
    )
    note.about = _summary(search)
    try:
        added = await services.saved_searches.add(search, MOST)
    except NameTaken:
        raise _taken(search) from None
    if not added:
        raise problems.Problem("too-many-kept", f"You keep {MOST} searches of tenant {scope.tenant} already.")
    return SavedSearchView.of(search, principal.id)


@router.get("/{search_id}", response_model=SavedSearchView, responses=problems.responses(*_READ, "not-found"))
@audited("saved-searches.read", "read")
async def get_saved_search(
    services: ServicesDep, principal: PrincipalDep, scope: ReaderScope, search_id: SearchId
) -> SavedSearchView:
    """One of yours, or one that is shared."""
    return SavedSearchView.of(await _seen(services, principal, scope, search_id), principal.id)


@router.put("/{search_id}", response_model=SavedSearchView, responses=problems.responses(*_CHANGE))
@audited("saved-searches.change", "change")
async def put_saved_search(
    request: SavedSearchRequest,
    services: ServicesDep,
    principal: PrincipalDep,
    scope: ReaderScope,
    note: Noted,
    search_id: SearchId,
) -> SavedSearchView:
    """Put another search in place of one of yours."""
    old = await _own(services, principal, scope, search_id)
    new = replace(
        old,
        name=request.name,
        shared=request.shared,
        parameters=written(request.parameters),
        hidden=scope.hidden,
    )
    return await _changed(services, principal, new, note)


@router.patch("/{search_id}", response_model=SavedSearchView, responses=problems.responses(*_CHANGE))
@audited("saved-searches.change", "change")
async def change_saved_search(
    request: SavedSearchChange,
    services: ServicesDep,
    principal: PrincipalDep,
    scope: ReaderScope,
    note: Noted,
    search_id: SearchId,
) -> SavedSearchView:
    """Change one of yours: its name, its parameters, or who sees it."""
    old = await _own(services, principal, scope, search_id)
    new = replace(
        old,
        name=old.name if request.name is None else request.name,
        shared=old.shared if request.shared is None else request.shared,
        parameters=old.parameters if request.parameters is None else written(request.parameters),
        # What stays of it was written when perhaps less was hidden.
        hidden=scope.hidden.common(old.hidden),
    )
    return await _changed(services, principal, new, note)


@router.delete("/{search_id}", response_model=SavedSearchView, responses=problems.responses(*_READ, "not-found"))
@audited("saved-searches.remove", "delete")
async def remove_saved_search(
    services: ServicesDep, principal: PrincipalDep, scope: ReaderScope, note: Noted, search_id: SearchId
) -> SavedSearchView:
    """Remove one of yours; as the tenant's administrator also one that somebody else shares."""
    search = await _seen(services, principal, scope, search_id)
    if search.owner != principal.id and not includes(
        await services.policy.role(principal, scope.tenant, "reader"), "admin"
    ):
        raise problems.forbidden("Only its owner and the tenant's administrators remove a search that is shared.")
    note.about = _summary(search)
    if not await services.saved_searches.remove(scope.tenant, search_id):
        raise _absent()
    return SavedSearchView.of(search, principal.id)


async def _changed(services: Services, principal: Principal, search: SavedSearch, note: Noted) -> SavedSearchView:
    changed = replace(search, changed_at=services.clock.now(), owner_name=principal.name)
    note.about = _summary(changed)
    try:
        replaced = await services.saved_searches.replace(changed)
    except NameTaken:
        raise _taken(changed) from None
    if not replaced:
        raise _absent()  # it was removed at the same moment
    return SavedSearchView.of(changed, principal.id)


async def _own(services: Services, principal: Principal, scope: Scope, search_id: str) -> SavedSearch:
    search = await _seen(services, principal, scope, search_id)
    if search.owner != principal.id:
        raise problems.forbidden("Only its owner changes a search that is shared; keep one of your own.")
    return search


async def _seen(services: Services, principal: Principal, scope: Scope, search_id: str) -> SavedSearch:
    search = await services.saved_searches.get(scope.tenant, search_id)
    if search is None or not _is_seen(search, principal, scope):
        raise _absent()
    return search


def _is_seen(search: SavedSearch, principal: Principal, scope: Scope) -> bool:
    return search.owner == principal.id or (search.shared and scope.hidden.within(search.hidden))


def _absent() -> problems.Problem:
    return problems.Problem(
        "not-found", "There is no such search of yours, or that is shared with you, in this tenant."
    )


def _taken(search: SavedSearch) -> problems.Problem:
    return problems.Problem(
        "name-taken",
        f"You keep a search called {search.name!r} of tenant {search.tenant} already. Choose another name.",
    )


def _summary(search: SavedSearch) -> str:
    """A saved search as the audit trail tells of it."""
    parameters = orjson.dumps(dict(search.parameters), option=orjson.OPT_SORT_KEYS).decode()
    return f"{search.id}, {'shared' if search.shared else 'private'}, {search.name!r}: {parameters}"
