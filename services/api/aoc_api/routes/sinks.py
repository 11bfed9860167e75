"""Sinks: the destinations that events, and the audit trail, are sent to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import AwareDatetime

from aoc_api import problems
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, Services, ServicesDep, everywhere
from aoc_api.parameters import refuse_unknown, revision_of
from aoc_common.contracts.sink_states import SinkRecord
from aoc_common.contracts.sinks import MOST_SINKS, NAME_PATTERN, SinkSettings, document
from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.errors import BadConfiguration, NotFound, Transient
from aoc_common.gateway.sinks import SinkList, SinkPreview, SinkReplay, SinkTest, SinkView

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(prefix="/api/sinks", tags=["sinks"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)])

ReaderDep = Annotated[Principal, Depends(everywhere("admin"))]
ChangerDep = Annotated[Principal, Depends(everywhere("superadmin"))]
Name = Annotated[str, Path(pattern=NAME_PATTERN, description="Its name.")]
IfMatch = Annotated[
    str | None, Header(description='ETag of the sink as it was read, e.g. `"3"`: it is needed to change it.')
]
Checked = Annotated[
    bool, Query(description="Whether an exporter tries the settings before they are saved. It sends nothing.")
]
_READ: Final = ("repeated", "forbidden", "not-found", "invalid-parameters", "unavailable")
_CHANGE: Final = (
    *_READ, "bad-request", "conflict", "not-allowed", "changed", "revision-needed", "check-failed", "too-slow",
    "too-large", "not-now",
)  # fmt: skip


@router.get(
    "",
    response_model=SinkList,
    responses=problems.responses("repeated", "forbidden", "invalid-parameters", "unavailable"),
)
@audited("sinks.list", "read")
async def list_sinks(services: ServicesDep, _reader: ReaderDep) -> SinkList:
    """All sinks, and how they fare."""
    records = {record.name: record for record in await services.sinks.store.all()}
    states = {state.name: state for state in await services.sinks.states.all()}
    names = sorted({*records, *states})
    return SinkList(items=[SinkView.of(records.get(name), states.get(name)) for name in names])


@router.get("/{sink}", response_model=SinkView, responses=problems.responses(*_READ))
@audited("sinks.read", "read")
async def get_sink(sink: Name, services: ServicesDep, _reader: ReaderDep, response: Response) -> SinkView:
    """A sink with its account by tenant; its ETag is what a change names in If-Match."""
    return await _view(services, sink, response)


@router.post("", status_code=201, response_model=SinkView, responses=problems.responses(*_CHANGE))
@audited("sinks.add", "create")
async def add_sink(
    settings: SinkSettings,
    services: ServicesDep,
    changer: ChangerDep,
    response: Response,
    note: Noted,
    check: Checked = True,
) -> SinkView:
    """Add a sink. An exporter takes it within seconds."""
    note.about = settings.name
    if len(await services.sinks.states.all()) >= MOST_SINKS:
        raise problems.Problem("conflict", f"There are {MOST_SINKS} sinks already.")
    await _check(services, settings, check=check)
    await _put(services, SinkRecord(settings.name, 1, document(settings), services.clock.now(), changer.id), "conflict")
    return await _view(services, settings.name, response)


@router.put("/{sink}", response_model=SinkView, responses=problems.responses(*_CHANGE))
@audited("sinks.replace", "change")
async def replace_sink(
    sink: Name,
    settings: SinkSettings,
    services: ServicesDep,
    changer: ChangerDep,
    response: Response,
    note: Noted,
    if_match: IfMatch = None,
    check: Checked = True,
) -> SinkView:
    """Give a sink these settings, and no others. If-Match is needed. What waits is sent by the new ones."""
    note.about = sink
    if settings.name != sink:
        raise problems.invalid("name", "is the sink's name, which cannot be changed", location="body")
    await _refuse_file(services, sink)
    revision = revision_of(if_match, "sink")
    await _check(services, settings, check=check)
    record = SinkRecord(sink, revision + 1, document(settings), services.clock.now(), changer.id)
    if await services.sinks.store.get(sink) is None:
        raise NotFound(f"There is no sink {sink}.")
    await _put(services, record, "changed")
    return await _view(services, sink, response)


@router.delete("/{sink}", status_code=204, responses=problems.responses(*_READ, "not-allowed"))
@audited("sinks.remove", "delete")
async def remove_sink(sink: Name, services: ServicesDep, _changer: ChangerDep, note: Noted) -> None:
    """Remove a sink, its account, and what waits for it."""
    note.about = sink
    await _refuse_file(services, sink)
    if not await services.sinks.store.remove(sink):
        raise NotFound(f"There is no sink {sink}.")


@router.post("/{sink}/test", response_model=SinkTest, responses=problems.responses(*_READ, "check-failed", "not-now"))
@audited("sinks.test", "change")
async def try_sink(
    sink: Name,
    services: ServicesDep,
    _changer: ChangerDep,
    note: Noted,
    tenant: Annotated[str | None, Query(pattern=TENANT_PATTERN, description="By whose destination.")] = None,
) -> SinkTest:
    """Send a marked event, and say what the destination answered."""
    note.about = sink
    await _check_known(services, sink)
    answer = await _asked(services, "test", sink, tenants=[tenant] if tenant else [])
    return SinkTest.model_validate(answer)


@router.post(
    "/{sink}/preview", response_model=SinkPreview, responses=problems.responses(*_READ, "check-failed", "not-now")
)
@audited("sinks.preview", "read")
async def preview_sink(
    sink: Name,
    services: ServicesDep,
    _changer: ChangerDep,
    note: Noted,
    event: Annotated[str | None, Query(max_length=64, description="Id of an event; else one of the newest.")] = None,
) -> SinkPreview:
    """The bytes that would go of an event. Nothing is sent."""
    note.about = sink
    await _check_known(services, sink)
    answer = await _asked(services, "preview", sink, event=event)
    note.tenant = str(answer["tenant"])
    return SinkPreview.model_validate(answer)


@router.post(
    "/{sink}/replay",
    status_code=202,
    response_model=SinkReplay,
    responses=problems.responses(*_READ, "check-failed", "not-now"),
)
@audited("sinks.replay", "change")
async def replay_sink(
    sink: Name,
    services: ServicesDep,
    _changer: ChangerDep,
    note: Noted,
    start: Annotated[AwareDatetime, Query(description="From what was published then.")],
    end: Annotated[AwareDatetime, Query(description="Up to, and without, what was published then.")],
    tenant: Annotated[str | None, Query(pattern=TENANT_PATTERN, description="Of one tenant only.")] = None,
) -> SinkReplay:
    """Send a stretch again, beside what comes. By when events were published, up to 90 days ago."""
    note.about = f"{sink}, {_text(start)} to {_text(end)}"
    if end <= start:
        raise problems.invalid("end", "must be after start")
    await _check_known(services, sink)
    answer = await _asked(services, "replay", sink, start=start, end=end, tenants=[tenant] if tenant else [])
    return SinkReplay.model_validate({"events": answer["events"]})


async def _view(services: Services, name: str, response: Response) -> SinkView:
    sinks = services.sinks
    record = await sinks.store.get(name)
    state = next((state for state in await sinks.states.all() if state.name == name), None)
    if record is None and state is None:
        raise NotFound(f"There is no sink {name}.")
    view = SinkView.of(record, state, await sinks.accounts.of(name), await sinks.stretches.of(name))
    if view.revision is not None:
        response.headers["ETag"] = f'"{view.revision}"'
    return view


async def _check_known(services: Services, name: str) -> None:
    """Before anybody is asked. Raises `NotFound`."""
    states = await services.sinks.states.all()
    if await services.sinks.store.get(name) is None and all(state.name != name for state in states):
        raise NotFound(f"There is no sink {name}.")


async def _refuse_file(services: Services, name: str) -> None:
    states = await services.sinks.states.all()
    if any(state.name == name and state.origin == "file" for state in states):
        raise problems.Problem("not-allowed", f"Sink {name} is in the sinks file, and is changed there.")


async def _check(services: Services, settings: SinkSettings, *, check: bool) -> None:
    if check:
        await _asked(services, "check", settings.name, settings=document(settings))


async def _asked(services: Services, what: str, name: str, **more: Any) -> Mapping[str, Any]:
    try:
        return await services.sinks.questions.ask(what, name, **more)
    except BadConfiguration as error:
        raise problems.Problem("check-failed", f"{error}.") from None
    except Transient as error:
        raise problems.not_now(f"Not done: {error}.") from error


async def _put(services: Services, record: SinkRecord, otherwise: str) -> None:
    if not await services.sinks.store.put(record):
        words = "is there already" if otherwise == "conflict" else "was changed meanwhile"
        raise problems.Problem(otherwise, f"Sink {record.name} {words}.")


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
