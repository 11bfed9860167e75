"""Exports in the background: asked for, followed, fetched as files, removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import StreamingResponse

from aoc_api import problems
from aoc_api.access.owners import owner_of
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, PrincipalDep, ReaderScope, Services, ServicesDep
from aoc_api.export.asked import FieldsParameter, FormatParameter, columns
from aoc_api.export.byte_ranges import ByteRange, Unsatisfiable, asked_range
from aoc_api.export.files import headers_of, sent
from aoc_api.export.formats import FORMATS, Format
from aoc_api.export.rights import Rights
from aoc_api.filters import Filters
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import Problem
from aoc_common.contracts.access import Scope
from aoc_common.gateway.export_jobs import ExportJobList, ExportJobView
from aoc_common.store.export_jobs import ExportJob

router = APIRouter(prefix="/api/exports", tags=["export"])

_READ: Final = ("repeated", "forbidden", "not-found", "invalid-parameters", "unavailable")
_ALONE: Final = [Depends(refuse_unknown)]
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: Final = {kind.media_type.partition(";")[0]: _FILE for kind in FORMATS.values()}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file. `Repr-Digest` has its SHA-256 (RFC 9530).", "content": _CONTENT},
    206: {"description": "The bytes of it that `Range` asks for.", "content": _CONTENT},
}
_RETRY_S: Final = 2

JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The id of an export in the background.")]
Range = Annotated[
    str | None,
    Header(alias="Range", max_length=200, description="Which bytes: to go on where a transfer broke off."),
]
IfRange = Annotated[
    str | None,
    Header(
        alias="If-Range",
        max_length=200,
        description="The file's ETag: all of it, where the file is another one by now.",
    ),
]


@router.post(
    "",
    status_code=202,
    response_model=ExportJobView,
    responses=problems.responses("repeated", "forbidden", "too-many-kept", "invalid-parameters", "unavailable"),
)
@audited("exports.make", "create")
async def make_export(
    request: Request,
    response: Response,
    filters: Filters,
    services: ServicesDep,
    principal: PrincipalDep,
    note: Noted,
    form: FormatParameter = Format.CSV,
    fields: FieldsParameter = None,
) -> ExportJobView:
    """Have all events of a search written to a file, which can be fetched for a day; as `GET /api/events/export`.

    The file has no last line with a count: count and SHA-256 stand here when its state is `done`.
    """
    columns(form, fields)
    options, now = services.options.export_jobs, services.clock.now()
    job = ExportJob(
        id=request.scope["aoc.request_id"],
        tenant=filters.query.tenant,
        owner=owner_of(principal, note.address),
        parameters=filters.parameters,
        form=form.value,
        fields=fields,
        made_at=now,
        changed_at=now,
        expires_at=now + options.longest + options.retention,
    )
    note.about = f"export {job.id} as {form}"
    if await services.exports.jobs.bytes_of(principal.id, now) >= options.bytes_per_caller:
        detail = f"Your files have {options.bytes_per_caller:,} bytes already."
        raise Problem("too-many-kept", f"{detail} DELETE /api/exports/{{export_id}} removes one.")
    if not await services.exports.jobs.add(job, options.per_caller):
        detail = f"You have {options.per_caller} exports already."
        raise Problem("too-many-kept", f"{detail} DELETE /api/exports/{{export_id}} removes one.")
    response.headers["Location"] = f"/api/exports/{job.id}?tenant={job.tenant}"
    return ExportJobView.of(job)


@router.get("", response_model=ExportJobList, dependencies=_ALONE, responses=problems.responses(*_READ))
@audited("exports.list", "read")
async def list_exports(
    services: ServicesDep, scope: ReaderScope, principal: PrincipalDep, note: Noted
) -> ExportJobList:
    """Your exports of a tenant."""
    jobs = await services.exports.jobs.listed(scope.tenant, principal.id, services.clock.now())
    note.rows = len(jobs)
    return ExportJobList(items=[ExportJobView.of(job) for job in jobs])


@router.get("/{export_id}", response_model=ExportJobView, dependencies=_ALONE, responses=problems.responses(*_READ))
@audited("exports.read", "read")
async def get_export(
    services: ServicesDep, scope: ReaderScope, principal: PrincipalDep, export_id: JobId
) -> ExportJobView:
    """An export of yours: how far it is, and count and SHA-256 when it is done."""
    return ExportJobView.of(await _own(services, scope, principal.id, export_id))


@router.delete("/{export_id}", status_code=204, dependencies=_ALONE, responses=problems.responses(*_READ))
@audited("exports.remove", "delete")
async def remove_export(
    services: ServicesDep, scope: ReaderScope, principal: PrincipalDep, note: Noted, export_id: JobId
) -> None:
    """Remove an export of yours with its file; one that runs ends."""
    note.about = f"export {export_id}"
    await _removed(services, await _own(services, scope, principal.id, export_id))


async def fetching(services: ServicesDep, principal: PrincipalDep) -> AsyncIterator[None]:
    """Until the last byte is sent. Raises a problem when too many files are fetched."""
    with services.admission.fetching(principal.id):
        yield


@router.get(
    "/{export_id}/file",
    response_class=StreamingResponse,
    dependencies=[*_ALONE, Depends(fetching, scope="request")],
    responses=_ANSWER | problems.responses(*_READ, "no-file", "no-such-range", "too-many", "busy"),
)
@audited("exports.fetch", "read")
async def export_file(
    request: Request,
    services: ServicesDep,
    scope: ReaderScope,
    principal: PrincipalDep,
    note: Noted,
    export_id: JobId,
    asked: Range = None,
    of: IfRange = None,
) -> StreamingResponse:
    """The file of an export of yours. It can be fetched in ranges, and gone on with after a break.

    What it holds must still be what you may see: where more is hidden from you by now, it is removed.
    """
    job = await _readable(services, scope, await _own(services, scope, principal.id, export_id))
    headers = headers_of(job)
    wanted = None if request.scope.get("aoc.head") else _wanted(asked, of, headers["ETag"], job)
    part = wanted or ByteRange(0, job.size)
    headers["Content-Length"] = str(part.size)
    note.rows, note.digest, note.about = job.events, job.sha256, f"export {job.id} as {job.form}"
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{job.size}"
        note.about += f", bytes {part.first} to {part.end}"
    status, kind = 200 if wanted is None else 206, FORMATS[Format(job.form)].media_type
    if request.scope.get("aoc.head"):
        return StreamingResponse(_nothing(), status, headers, kind)
    note.streamed = True

    async def scope_now() -> Scope:
        return await services.policy.scope(await services.reauthenticate(request), job.tenant, "reader")

    rights = Rights(Scope(job.tenant, job.hidden), scope_now, services.clock.monotonic)
    return StreamingResponse(sent(services.exports.parts, job, part, rights), status, headers, kind)


async def _readable(services: Services, scope: Scope, job: ExportJob) -> ExportJob:
    """A job whose file may be read. Raises a problem."""
    if job.state != "done":
        headers = {} if job.state == "failed" else {"Retry-After": str(_RETRY_S)}
        why = f": {job.reason}" if job.reason else ""
        raise Problem("no-file", f"The export is {job.state}{why}.", headers=headers)
    if not scope.hidden.within(job.hidden):
        await _removed(services, job)
        raise problems.forbidden("More is hidden from you than when the file was made. It is removed: make it anew.")
    return job


def _wanted(asked: str | None, of: str | None, etag: str, job: ExportJob) -> ByteRange | None:
    try:
        return asked_range(asked, of, etag, job.size)
    except Unsatisfiable:
        headers = {"Content-Range": f"bytes */{job.size}", "Accept-Ranges": "bytes"}
        raise Problem("no-such-range", f"The file has {job.size} bytes.", headers=headers) from None


async def _own(services: Services, scope: Scope, owner: str, export_id: str) -> ExportJob:
    job = await services.exports.jobs.get(scope.tenant, owner, export_id, services.clock.now())
    if job is None:
        raise Problem("not-found", f"You have no export {export_id} of tenant {scope.tenant}, or it has expired.")
    return job


async def _removed(services: Services, job: ExportJob) -> None:
    """Remove a job, and then its parts: whoever writes more of them finds that it is gone, and removes these."""
    await services.exports.jobs.remove(job.tenant, job.owner.id, job.id)
    await services.exports.parts.remove(job.tenant, job.id)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
