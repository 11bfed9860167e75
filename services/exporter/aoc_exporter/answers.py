"""What is asked of an exporter about a sink: check it, send a test, show what would go, send a stretch again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aoc_common.bus.readers import view
from aoc_common.contracts.publications import END, Position
from aoc_common.contracts.sink_states import Stretch, replay_key
from aoc_common.contracts.sinks import read_sink
from aoc_common.contracts.subjects import DEFAULT_TENANT
from aoc_common.errors import BadConfiguration, NotFound, Permanent, Unreachable
from aoc_exporter import trial
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.destinations import make, target_of
from aoc_exporter.formats import FORMATS
from aoc_exporter.item import fit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.jobs import ExportJob, SinkJob
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_common.store.published_events import PublishedEvents
    from aoc_common.store.sink_answers import SinkAnswerStore
    from aoc_exporter.catalogue import Catalogue
    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.fleet import Fleet
    from aoc_exporter.flow import Backends

_PREVIEW_BYTES: Final = 256 * 1024
#: Whoever asks waits for some 25 s.
_PATIENCE_S: Final = 20.0


class Answers:
    """Answers jobs. A job that cannot be done is answered too: `{"error": words}`."""

    def __init__(
        self,
        fleet: Fleet,
        catalogue: Catalogue,
        backends: Backends,
        answers: SinkAnswerStore,
        published: PublishedEvents,
    ) -> None:
        self._fleet = fleet
        self._catalogue = catalogue
        self._with = backends
        self._answers = answers
        self._published = published

    async def answer(self, job: SinkJob) -> None:
        """Do a job and store its answer. Raises `Transient` when the store is away."""
        does: Mapping[str, Callable[[SinkJob], Awaitable[dict[str, Any]]]] = {
            "check": self._check, "test": self._test, "preview": self._preview, "replay": self._replay,
        }  # fmt: skip
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await does[job.what](job)
        except TimeoutError:
            answer = {"error": f"no answer within {_PATIENCE_S:g} s"}
        except Permanent as error:
            answer = {"error": str(error)}
        await self._answers.answer(job.ticket, answer)

    async def export(self, job: ExportJob) -> None:
        """Send one event to its sink once more. Raises `Transient` while that cannot be done, `NotFound`."""
        listed = await self._catalogue.sinks()
        if job.sink not in listed:
            raise NotFound(f"there is no sink {job.sink} any more")
        at_work = self._fleet.at_work(job.sink)
        if at_work is None:
            raise Unreachable(f"sink {job.sink} does not run")
        await at_work.send_once(await self._event(UUID(job.event), job.digest, job.tenant))

    async def _check(self, job: SinkJob) -> dict[str, Any]:
        sink = read_sink(job.settings or {})
        tried = {*sink.per_tenant, *await self._fleet.some_tenants(sink)}
        if "{tenant}" not in target_of(sink, "{tenant}"):
            tried.add(DEFAULT_TENANT)  # as all that have none of their own
        for tenant in tried:
            await (await self._made(sink, tenant)).close()
        return {"ok": True}

    async def _made(self, sink: SinkSettings, tenant: str) -> Sink:
        return await asyncio.to_thread(make, sink, tenant, self._with.export, self._with.resources.clock)

    async def _sink(self, name: str) -> SinkSettings:
        listed = (await self._catalogue.sinks()).get(name)
        if listed is None:
            raise NotFound(f"there is no sink {name}")
        return listed.settings

    async def _test(self, job: SinkJob) -> dict[str, Any]:
        """Send what `trial` says, by a destination that is made for it: nothing else waits for it."""
        sink = await self._sink(job.sink)
        tenant = next(iter(job.tenants or await self._fleet.some_tenants(sink)), DEFAULT_TENANT)
        destination = await self._made(sink, tenant)
        sent = trial.entries(sink, tenant, UUID(job.ticket), self._with.resources.clock.now())
        try:
            items = [fit(entry, FORMATS[sink.format], destination.limits.entry_bytes) for entry in sent]
            outcomes = await deliver(destination, items, believed=True)
        finally:
            await destination.close()
        return trial.result_of(sent, outcomes)

    async def _preview(self, job: SinkJob) -> dict[str, Any]:
        sink = await self._sink(job.sink)
        at_work = self._fleet.at_work(job.sink)
        if at_work is None:
            raise BadConfiguration(f"sink {job.sink} does not run here: look at its health")
        found = job.event or await self._published.newest(await self._fleet.some_tenants(sink))
        if found is None:
            raise NotFound("no event is stored that could be shown")
        event = await self._event(_uuid(found), None, None)
        entry = at_work.intake.chosen(event)
        if entry is None:
            return {"event": found, "tenant": event.tenant, "goes": False, "text": ""}
        destination = await self._made(sink, event.tenant)
        try:
            item = fit(entry, FORMATS[sink.format], destination.limits.entry_bytes)
            text = destination.framed([item])[:_PREVIEW_BYTES].decode("utf-8", "replace")
        finally:
            await destination.close()
        return {"event": found, "tenant": event.tenant, "goes": True, "text": text}

    async def _event(self, event: UUID, digest: str | None, tenant: str | None) -> EventMessage:
        owner = tenant or await self._published.tenant_of(event)
        name = f"{event}:{digest}" if digest else str(event)
        [found] = await self._published.messages([(Position("", 0), name, owner or "")])
        if found is None:
            raise NotFound(f"event {name} is stored no more")
        return found

    async def _replay(self, job: SinkJob) -> dict[str, Any]:
        """Begin to send a stretch again; it is sent beside what comes."""
        if job.start is None or job.end is None or job.end <= job.start:
            raise BadConfiguration("a stretch has a beginning, and an end behind it")
        await self._sink(job.sink)
        begin, upto = await self._with.log.since(job.start), await self._with.log.since(job.end)
        if begin is None:
            raise NotFound("nothing was published since then, or it is longer ago than is known (90 days)")
        if upto is None:
            head = await self._head()
            upto = max(head, begin)
        for tenant in job.tenants or [None]:
            key = replay_key(job.sink, job.ticket) + (f"/{tenant}" if tenant else "")
            stretch = Stretch(key, job.sink, tenant, begin, begin, upto, at=self._with.resources.clock.now())
            await self._with.stretches.put(replace(stretch, why="it is sent again"))
        return {"ok": True, "events": max(0, upto.sequence - begin.sequence) if _same(begin, upto) else None}

    async def _head(self) -> Position:
        stream = await view(self._with.resources.js)
        return Position(stream.incarnation, stream.last)


def _same(one: Position, other: Position) -> bool:
    return one.incarnation == other.incarnation and other.sequence < END


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadConfiguration("an event's id is a UUID") from None
