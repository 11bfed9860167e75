"""The registry of tenants."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from aoc_api import problems
from aoc_api.access.note import Note
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, Services, ServicesDep, everywhere, named, somewhere
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.access import includes
from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.tenants import LicenceView, TenantList, TenantSettings, TenantView
from aoc_common.tenants.administration import IDENTIFYING, Change
from aoc_common.tenants.records import Conflict, NotAllowed, Outdated, TenantRecord
from aoc_common.tenants.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

router = APIRouter(
    prefix="/api/tenants", tags=["tenants"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)]
)

SuperadminDep = Annotated[Principal, Depends(everywhere("superadmin"))]
AdminDep = Annotated[Principal, Depends(named("admin"))]
ReaderDep = Annotated[Principal, Depends(named("reader"))]
Name = Annotated[str, Path(pattern=TENANT_PATTERN, description="Its short name.")]
IfMatch = Annotated[
    str | None,
    Header(
        description='ETag of the tenant as it was read, e.g. `"3"`: it is not changed if somebody else has changed it.'
    ),
]
Checked = Annotated[
    bool,
    Query(
        description="Whether a collector signs in at Microsoft with these settings before they are saved; if not, "
        "that is noted."
    ),
]
#: What only superadmins change: whose records are read, and with which secret; who may see what of a tenant; and how
#: long anything is kept of it, since a retention of a day destroys evidence.
_SUPERADMINS = IDENTIFYING | {"groups", "privacy", "retention"}
_REFUSALS = (
    "bad-request",
    "repeated",
    "forbidden",
    "not-found",
    "conflict",
    "not-allowed",
    "invalid-parameters",
    "unavailable",
)
_BODY_REFUSALS = (*_REFUSALS, "changed", "revision-needed", "check-failed", "too-slow", "too-large", "not-now")


@router.get(
    "",
    response_model=TenantList,
    responses=problems.responses("repeated", "forbidden", "invalid-parameters", "unavailable"),
)
@audited("tenants.list", "read")
async def list_tenants(services: ServicesDep, reader: Annotated[Principal, Depends(somewhere("reader"))]) -> TenantList:
    """The tenants that you may see, and what the licence allows."""
    views = [
        TenantView.of_file(tenant, everything=await _administers(services, reader, tenant.name))
        for tenant in await services.registry.file.tenants()
    ]
    in_file = {view.name for view in views}
    views += [
        TenantView.of_record(record, everything=await _administers(services, reader, record.name))
        for record in await services.tenants.records()
        if record.state != "deleted" and record.name not in in_file
    ]
    seen = set(await services.policy.seen(reader, [view.name for view in views]))
    licence = None
    # It counts tenants: who sees some of them does not learn how many others there are.
    if reader.role_over_everything() is not None:
        licence = LicenceView.of(await services.tenants.terms(), await services.tenants.counted())
    return TenantList(items=[view for view in views if view.name in seen], licence=licence)


@router.get(
    "/{name}",
    response_model=TenantView,
    responses=problems.responses("repeated", "forbidden", "not-found", "invalid-parameters", "unavailable"),
)
@audited("tenants.read", "read")
async def get_tenant(name: Name, services: ServicesDep, reader: ReaderDep, response: Response) -> TenantView:
    """A tenant; its ETag is what a change names in If-Match. A deleted one shows what was deleted."""
    everything = await _administers(services, reader, name)
    tenant = await services.registry.file.get(name)
    if tenant is not None:
        return TenantView.of_file(tenant, everything=everything)
    return _view(await services.tenants.record(name), response, everything=everything)


@router.post(
    "",
    status_code=201,
    response_model=TenantView,
    responses=problems.responses(*_BODY_REFUSALS),
)
@audited("tenants.add", "create")
async def add_tenant(
    settings: TenantSettings,
    services: ServicesDep,
    admin: SuperadminDep,
    response: Response,
    note: Noted,
    check: Checked = True,
) -> TenantView:
    """Add a tenant. It is collected within seconds."""
    wanted = settings.model_dump()
    note.about = _fields(wanted)
    change = await _checked(services, wanted, admin, None, check=check)
    return _view(await _done(services.tenants.add(wanted, change), note), response)


@router.put(
    "/{name}",
    response_model=TenantView,
    responses=problems.responses(*_BODY_REFUSALS),
)
@audited("tenants.replace", "change")
async def replace_tenant(
    name: Name,
    settings: TenantSettings,
    services: ServicesDep,
    admin: SuperadminDep,
    response: Response,
    note: Noted,
    if_match: IfMatch = None,
    check: Checked = True,
) -> TenantView:
    """Give a tenant these settings, and no others. If-Match is needed."""
    wanted = {"name": name, **settings.model_dump()}
    note.tenant, note.about = name, _fields(wanted)
    change = await _checked(services, wanted, admin, _revision(if_match), check=check)
    return _view(await _done(services.tenants.change(name, wanted, change), note), response)


@router.patch(
    "/{name}",
    response_model=TenantView,
    responses=problems.responses(*_BODY_REFUSALS),
)
@audited("tenants.change", "change")
async def change_tenant(
    name: Name,
    settings: TenantSettings,
    services: ServicesDep,
    admin: AdminDep,
    response: Response,
    note: Noted,
    if_match: IfMatch = None,
    check: Checked = True,
) -> TenantView:
    """Change some settings; null is as by default. If-Match is needed.

    Whose records are read, with which secret, from where, the groups and privacy rules that decide who sees what of it,
    and how long it is kept, superadmins change.
    """
    patch = settings.model_dump()
    note.about = _fields(patch)
    if reserved := sorted(_SUPERADMINS & patch.keys()):
        try:
            services.policy.check_everywhere(admin, "superadmin")
        except problems.Problem:
            raise problems.forbidden(
                f"You need the role superadmin over all tenants to change {', '.join(reserved)}."
            ) from None
    revision = _revision(if_match)
    # What only says how AOC treats the tenant needs no sign-in.
    needs_check = bool(patch.keys() & (IDENTIFYING | {"sources"}))
    with _refusals():
        record = await services.tenants.record(name)
    merged = {key: value for key, value in {**record.settings, **patch}.items() if value is not None}
    change = await _checked(services, merged, admin, revision, check=check, needed=needs_check)
    return _view(await _done(services.tenants.merge(name, patch, change), note), response)


@router.post(
    "/{name}/pause",
    response_model=TenantView,
    responses=problems.responses(*_REFUSALS),
)
@audited("tenants.pause", "change")
async def pause_tenant(
    name: Name, services: ServicesDep, admin: AdminDep, response: Response, note: Noted
) -> TenantView:
    """Collect nothing from it until it is resumed."""
    return _view(await _done(services.tenants.pause(name, Change(admin.id), paused=True), note), response)


@router.post(
    "/{name}/resume",
    response_model=TenantView,
    responses=problems.responses(*_REFUSALS),
)
@audited("tenants.resume", "change")
async def resume_tenant(
    name: Name, services: ServicesDep, admin: AdminDep, response: Response, note: Noted
) -> TenantView:
    """Collect from it again, first what Microsoft still has of the pause."""
    return _view(await _done(services.tenants.pause(name, Change(admin.id), paused=False), note), response)


@router.delete(
    "/{name}",
    status_code=202,
    response_model=TenantView,
    responses=problems.responses(*_REFUSALS),
)
@audited("tenants.delete", "delete")
async def delete_tenant(
    name: Name,
    services: ServicesDep,
    admin: SuperadminDep,
    response: Response,
    note: Noted,
    confirm: Annotated[str, Query(max_length=40, description="Its name again: nothing of it comes back.")],
) -> TenantView:
    """Delete a tenant with all its data. `GET` of it tells how far that is, and in the end what was deleted."""
    note.tenant = name
    if confirm != name:
        raise problems.invalid("confirm", "must be the tenant's name")
    return _view(await _done(services.tenants.delete(name, Change(admin.id)), note), response)


def _view(record: TenantRecord, response: Response, *, everything: bool = True) -> TenantView:
    response.headers["ETag"] = f'"{record.revision}"'
    return TenantView.of_record(record, everything=everything)


async def _administers(services: Services, principal: Principal, name: str) -> bool:
    role = principal.role_over(name, await services.privacy.groups_of(name))
    return role is not None and includes(role, "admin")


def _revision(if_match: str | None) -> int:
    if if_match is None:
        raise problems.Problem("revision-needed", "If-Match is missing.")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdecimal() or len(text) > 15:  # noqa: PLR2004  # digits of any revision
        raise problems.Problem("changed", "If-Match names no revision of this tenant.")
    return int(text)


async def _checked(
    services: Services,
    settings: dict[str, Any],
    principal: Principal,
    revision: int | None,
    *,
    check: bool,
    needed: bool = True,
) -> Change:
    """The change, with what the check of its settings found. Raises a problem when that forbids it."""
    try:
        services.tenants.read(settings)
    except BadConfiguration as error:
        raise problems.Problem("bad-settings", f"{error}.") from None
    if not check or not needed:
        return Change(principal.id, revision, "" if check else "not checked")
    return Change(principal.id, revision, await services.check_tenant(settings))


def _fields(settings: dict[str, Any]) -> str:
    """What somebody wants to set, by name: also when that is refused."""
    return ", ".join(sorted(settings.keys() & Tenant.model_fields.keys()))


@contextmanager
def _refusals() -> Iterator[None]:
    """What the registry refuses, as problems."""
    try:
        yield
    except BadConfiguration as error:
        raise problems.Problem("bad-settings", f"{error}.") from None
    except Outdated as error:
        raise problems.Problem("changed", f"{str(error).capitalize()}.") from None
    except Conflict as error:
        raise problems.Problem("conflict", f"{str(error).capitalize()}.") from None
    except NotAllowed as error:
        raise problems.Problem("not-allowed", str(error)) from None


async def _done(work: Awaitable[TenantRecord], note: Note) -> TenantRecord:
    with _refusals():
        record = await work
    step = record.history[0]
    note.tenant = record.name
    note.about = f"{step.what} as revision {step.revision}: {', '.join(step.fields)}" + (
        f" ({step.check})" if step.check else ""
    )
    return record
