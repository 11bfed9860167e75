"""All events of a search, as a file, and what is known of a file that somebody was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from aoc_api import problems
from aoc_api.admission import ExportPace
from aoc_api.audit.acts import audited
from aoc_api.deps import Noted, PrincipalDep, ReaderScope, ServicesDep
from aoc_api.export.asked import FieldsParameter, FormatParameter, columns, file_name
from aoc_api.export.encodings import chosen, compressor
from aoc_api.export.formats import FORMATS, Format
from aoc_api.export.pages import pages
from aoc_api.export.receipts import receipt_of
from aoc_api.export.rights import Rights
from aoc_api.export.stream import Export
from aoc_api.filters import Filters
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY, invalid
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import StoredEvent
from aoc_common.gateway.exports import ExportReceipt

router = APIRouter(prefix="/api/events/export", tags=["export"])

_ACTION: Final = "events.export"
_FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file, newest event first; docs/howto/export.md tells how one sees that it is whole.",
        "content": {kind.media_type.partition(";")[0]: _FILE for kind in FORMATS.values()},
    }
}


async def export_pace(services: ServicesDep, principal: PrincipalDep) -> AsyncIterator[ExportPace]:
    """The export's pace at the store, until its last byte is sent. Raises a problem when too many run."""
    with services.admission.exporting(principal.id) as pace:
        yield pace


@router.get(
    "",
    response_class=StreamingResponse,
    responses=_ANSWER | problems.responses("repeated", "invalid-parameters", *BUSY),
)
@audited(_ACTION, "read")
async def export_events(
    request: Request,
    filters: Filters,
    services: ServicesDep,
    paced: Annotated[ExportPace, Depends(export_pace, scope="request")],
    note: Noted,
    form: FormatParameter = Format.CSV,
    fields: FieldsParameter = None,
    trailer: Annotated[
        bool | None,
        Query(description="`false` leaves out the last line of `jsonl` and `ocsf`, which tells count and SHA-256."),
    ] = None,
) -> StreamingResponse:
    """All events of a search as a file, however many; a filter works as in `/api/events`.

    The count of events and the SHA-256 of the file stand in the last line of `jsonl` and `ocsf`, and of every format in
    `/api/events/export/{export_id}`, whose id is this answer's `X-Request-Id`.
    """
    kind = FORMATS[form]
    names = columns(form, fields)
    if trailer and not kind.lines:
        raise invalid("trailer", f"{form} has no last line; GET /api/events/export/{{export_id}} tells the same")
    query = filters.query
    coding = None if kind.compressed else chosen(request.headers.get("accept-encoding"))
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(query.tenant, services.clock.now(), form)}"',
        "Vary": "Accept-Encoding",
        **({"Content-Encoding": coding} if coding else {}),
    }
    note.about = f"as {form}"
    if request.scope.get("aoc.head"):
        return StreamingResponse(_nothing(), media_type=kind.media_type, headers=headers)
    writing = await asyncio.to_thread(kind.make, names)  # may import much

    async def scope_now() -> Scope:
        return await services.policy.scope(await services.authenticate(request), query.tenant, "reader")

    rights = Rights(query.scope, scope_now, services.clock.monotonic)
    following = pages(services.search, query, paced, rights, raw=kind.raw)
    # Before the answer begins: what is wrong then is answered with a problem, and not with a file that is cut off.
    first: Sequence[StoredEvent] = await anext(following, [])
    note.streamed = True
    last_line = None
    if kind.lines and trailer is not False:
        last_line = {"id": request.scope["aoc.request_id"], "tenant": query.tenant}
    chunks = Export(writing, compressor(coding), last_line).chunks(first, following, note)
    return StreamingResponse(chunks, media_type=kind.media_type, headers=headers)


@router.get(
    "/{export_id}",
    response_model=ExportReceipt,
    dependencies=[Depends(refuse_unknown)],
    responses=problems.responses("repeated", "not-found", "invalid-parameters", "unavailable"),
)
@audited("events.export-receipt", "read")
async def export_receipt(
    services: ServicesDep,
    scope: ReaderScope,
    principal: PrincipalDep,
    export_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="`X-Request-Id` of the export's answer.")],
) -> ExportReceipt:
    """How many events an export of one's own held, its SHA-256, and whether it was sent to its end.

    It is there within seconds of the export's end, and as long as the audit trail, from which it is read.
    """
    receipt = await receipt_of(services.audit_entries, scope.tenant, principal.id, _ACTION, export_id)
    if receipt is None:
        raise problems.Problem("not-found", f"You have made no export {export_id} of tenant {scope.tenant}.")
    return receipt


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
