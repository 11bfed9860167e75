"""Synchronises a tenant's directory, kind by kind.

A delta link is stored only after all pages before it, so a reading that fails half-way is repeated, and repeats change
nothing. Each reading has a number, its generation: an earlier reading that continues after a pause does not overwrite
what a later one has seen. When Graph asks for it (410), a kind is read from its beginning; entities that this reading
has not seen count as deleted at its end. Until then they stay, so the directory is never empty.

Entities are stored with the period of each state. A change lies between the beginning of the last complete reading and
the answer that shows it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import Status, StatusCode

from aoc_collector import metrics
from aoc_collector.directory.delta_queries import DELTA_QUERIES, DeltaQuery, DirectoryPage, read_page
from aoc_collector.directory.roles import read_roles
from aoc_collector.microsoft.answers import UnfinishedError
from aoc_collector.microsoft.paging import REFUSED_TOKEN, BrokenSkipTokenError, follow
from aoc_common.errors import AocError, Refused, Throttled, Transient
from aoc_common.store.directories import Observation
from aoc_common.store.directory_states import SyncState
from aoc_common.telemetry import logs, tracing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from aoc_collector.microsoft.api import Api
    from aoc_common.clock import Clock
    from aoc_common.contracts.directory import EntityKind
    from aoc_common.contracts.jobs import DirectoryJob
    from aoc_common.store.directories import DirectoryStore
    from aoc_common.store.directory_names import DirectoryNames
    from aoc_common.store.directory_states import DirectoryStates

_log = logs.get(__name__)

#: Times that a kind is tried within one job while skip tokens are refused, before it is read from its beginning.
_TRIES: Final = 3
#: A bound for links that never end: with 200 objects a page, ten million objects.
_MAX_PAGES: Final = 50_000
_REASON_LENGTH: Final = 500
#: Graph may not report yet what changed so shortly before ("replication delays", delta-query-overview.md).
_LAG: Final = timedelta(minutes=2)
#: Codes of an expired delta token. Its status is 410, or "40X" (delta-query-overview.md, errors.md).
_EXPIRED: Final = frozenset({"syncstatenotfound", "resyncrequired"})


@dataclass(frozen=True, slots=True)
class Target:
    """A tenant whose directory is synchronised, and the kinds that are read, in this order."""

    tenant: str
    api: Api
    kinds: Sequence[EntityKind]


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of directories. `names`: the kind of an id."""

    directory: DirectoryStore
    states: DirectoryStates
    names: DirectoryNames


@dataclass(slots=True)
class _Tally:
    """What a reading gave, in objects. `complete`: it began at the beginning."""

    complete: bool
    seen: int = 0
    removed: int = 0
    unreadable: int = 0


class _StoppingError(Transient):
    """The collector stops: another one continues."""


class DirectorySync:
    """Synchronises directories. `find` gives a tenant of this collector, or None."""

    def __init__(
        self, find: Callable[[str], Target | None], stores: Stores, clock: Clock, stopping: asyncio.Event
    ) -> None:
        self._find = find
        self._stores = stores
        self._clock = clock
        self._stopping = stopping

    async def run(self, job: DirectoryJob) -> None:
        """Read what changed in each kind of a tenant's directory.

        A kind that is refused (a permission, a licence) or cannot be reached is noted; the others are read.
        Raises `Throttled`, since all kinds share one limit, and `Transient` when the store is away or we stop.
        """
        target = self._find(job.tenant)
        if target is None:
            _log.warning("job.skipped", tenant=job.tenant, reason="not configured here")
            return
        for kind in target.kinds:
            if self._find(job.tenant) is None:
                return  # paused, or being deleted, which waits until nothing of it is written any more
            await self._read_kind(target, kind)
        counts = await self._stores.directory.count(target.tenant)
        for kind in target.kinds:
            metrics.DIRECTORY_ENTITIES.labels(target.tenant, kind).set(counts.get(kind, 0))

    async def _read_kind(self, target: Target, kind: EntityKind) -> None:
        """Read one kind; note it when that fails."""
        attributes = {"aoc.tenant": target.tenant, "aoc.kind": kind}
        with tracing.tracer().start_as_current_span(
            "directory.read", attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                tally = await (self._roles(target) if kind == "role" else self._changes(target, DELTA_QUERIES[kind]))
            except _StoppingError:
                raise
            except Exception as error:
                if self._find(target.tenant) is None:
                    return  # nobody asks for its failures
                span.set_status(Status(StatusCode.ERROR, str(error)))
                outcome = "refused" if isinstance(error, Refused) else "failed"
                metrics.DIRECTORY_READS.labels(target.tenant, kind, outcome).inc()
                await self._note_failure(target.tenant, kind, error)
                if isinstance(error, Throttled) or not isinstance(error, AocError):
                    raise
                return
        metrics.DIRECTORY_READS.labels(target.tenant, kind, "whole" if tally.complete else "changes").inc()
        for what in ("seen", "removed", "unreadable"):
            metrics.DIRECTORY_OBJECTS.labels(target.tenant, kind, what).inc(getattr(tally, what))

    async def _changes(self, target: Target, query: DeltaQuery) -> _Tally:
        for _ in range(_TRIES):
            try:
                return await self._continue(target, query) or await self._begin(target, query)
            except BrokenSkipTokenError as error:
                _log.info("directory.restarted", tenant=target.tenant, kind=query.kind, error=str(error))
        # The delta link itself may lead to the refused ones.
        return await self._begin(target, query)

    async def _continue(self, target: Target, query: DeltaQuery) -> _Tally | None:
        """Read what changed since the last time. None when that is not known, or not any more."""
        state = await self._stores.states.state(target.tenant, query.kind)
        # Another query selects other properties, or is for another cloud.
        if state.delta_link is None or state.query != query.url(target.api.base):
            return None
        state = replace(state, generation=await self._stores.states.begin(target.tenant, query.kind))
        try:
            return await self._read(target, query, state, state.delta_link or "", complete=False)
        except Refused as refused:
            if not _expired(refused):
                raise
            _log.info("directory.reset", tenant=target.tenant, kind=query.kind, reason=str(refused))
            return None

    async def _begin(self, target: Target, query: DeltaQuery) -> _Tally:
        url = query.url(target.api.base)
        generation = await self._stores.states.begin(target.tenant, query.kind)
        before = await self._stores.states.state(target.tenant, query.kind)
        state = SyncState(target.tenant, query.kind, generation, query=url, read_from=before.read_from)
        return await self._read(target, query, state, url, complete=True)

    async def _read(self, target: Target, query: DeltaQuery, state: SyncState, url: str, *, complete: bool) -> _Tally:
        """Store page by page, then move the state."""
        begun = self._clock.now() - _LAG
        tally = _Tally(complete)
        delta_link: str | None = None
        async with aclosing(follow(target.api, url, query.path, partial(read_page, query), _MAX_PAGES)) as pages:
            async for page in pages:
                await self._store(target, query, self._reading(state), page, tally)
                delta_link = page.delta_link
                if self._stopping.is_set() and delta_link is None:
                    raise _StoppingError("the collector is stopping", retry_after=0)
        if delta_link is None:
            raise UnfinishedError(f"{query.path}: the last page has no delta link")
        if complete and not tally.unreadable:
            # What could not be read is not deleted.
            tally.removed += await self._stores.directory.sweep(target.tenant, query.kind, self._reading(state))
        # Nor is it known to be unchanged.
        read_from = state.read_from if tally.unreadable else begun
        await self._advance(replace(state, delta_link=delta_link, read_from=read_from), tally)
        return tally

    def _reading(self, state: SyncState) -> Observation:
        return Observation(self._clock.now(), state.generation, state.read_from)

    async def _store(
        self, target: Target, query: DeltaQuery, seen: Observation, page: DirectoryPage, tally: _Tally
    ) -> None:
        directory = self._stores.directory
        if page.unreadable:
            _log.warning(
                "directory.unreadable",
                tenant=target.tenant,
                kind=query.kind,
                objects=len(page.unreadable),
                first=page.unreadable[0],
            )
        await directory.put(target.tenant, page.sightings, seen, complete=tally.complete)
        await directory.remove(target.tenant, query.kind, page.removed, seen)
        tally.seen += len(page.sightings)
        tally.removed += len(page.removed)
        tally.unreadable += len(page.unreadable)

    async def _roles(self, target: Target) -> _Tally:
        """Read all roles and holders; what is stored changes only when all lists have been read."""
        stores, tenant = self._stores, target.tenant
        begun = self._clock.now() - _LAG
        generation = await stores.states.begin(tenant, "role")
        roles = await read_roles(target.api, partial(self._groups, tenant))
        tally = _Tally(complete=True, seen=len(roles.sightings))
        before = await stores.states.state(tenant, "role")
        if before.generation != generation:
            # A later reading is newer, and must not be overwritten.
            _log.warning("directory.overtaken", tenant=tenant, kind="role")
            return tally
        state = SyncState(tenant, "role", generation, read_from=before.read_from)
        await stores.directory.put(tenant, roles.sightings, self._reading(state), complete=True)
        tally.removed = await stores.directory.sweep(tenant, "role", self._reading(state))
        await stores.directory.assign(tenant, roles.held, self._reading(state))
        await self._advance(replace(state, read_from=begun), tally)
        return tally

    async def _groups(self, tenant: str, ids: Sequence[str]) -> set[str]:
        entities = await self._stores.names.find(tenant, ids)
        return {object_id for object_id, entity in entities.items() if entity.kind == "group"}

    async def _advance(self, state: SyncState, tally: _Tally) -> None:
        before = await self._stores.states.state(state.tenant, state.kind)
        if not await self._stores.states.advance(state, self._clock.now()):
            # This process was suspended for so long that its job was redelivered to another one.
            _log.warning("directory.overtaken", tenant=state.tenant, kind=state.kind)
        elif before.last_success is None or before.last_error is not None:
            _log.info("directory.read", tenant=state.tenant, kind=state.kind, seen=tally.seen, removed=tally.removed)

    async def _note_failure(self, tenant: str, kind: EntityKind, error: Exception) -> None:
        """Store the reason; log it only when it is another one than before."""
        reason = f"{type(error).__name__}: {error}"[:_REASON_LENGTH]
        before = await self._stores.states.state(tenant, kind)
        await self._stores.states.note_error(tenant, kind, reason, self._clock.now())
        if before.last_error != reason:
            _log.warning("directory.failed", tenant=tenant, kind=kind, reason=reason)


def _expired(refused: Refused) -> bool:
    invalid = refused.status in REFUSED_TOKEN or refused.status == HTTPStatus.NOT_FOUND
    return invalid or refused.code.casefold() in _EXPIRED
