"""Stores in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aoc_common.contracts import twins
from aoc_common.contracts.directory import Entity, key
from aoc_common.errors import Unreachable
from aoc_common.store.backlog import Cause
from aoc_common.store.blob_retries import LONGEST, PATIENCE, pause
from aoc_common.store.directory_states import SyncState
from aoc_common.store.shares import Allocations
from aoc_common.store.sources import SourceState

#: Facts of an entity that are shown as they are.
_SHOWN = frozenset({"name", "upn", "app_id", "enabled", "guest", "department"})


def _keys(object_id, facts):
    ids = (object_id, facts.get("upn"), facts.get("app_id"), *facts.get("aliases", ()))
    return {key(one) for one in ids if one}


class MemoryDirectory:
    """`DirectoryStore`, `DirectoryStates` and `DirectoryNames.find` in memory, without roles; fails while `away`."""

    def __init__(self):
        self.entities = {}
        self.states = {}
        self.held = {}
        self.away = False
        self.smallest = {}
        self.seen = []

    async def put(self, tenant, sightings, seen, *, complete):
        if self.away:
            raise Unreachable("store away")
        generation = seen.generation
        for one in sightings:
            old_generation, facts = self.entities.get((tenant, one.id), (one.kind, (0, {})))[1]
            if old_generation > generation:
                continue
            adds = not complete or old_generation == generation
            told = {**(facts if adds else {}), **one.facts}
            self.entities[tenant, one.id] = (one.kind, (generation, told))
        self._measure()

    async def remove(self, tenant, kind, ids, seen):
        self.seen.append(seen)
        for one in ids:
            if self.entities.get((tenant, one), (kind, (0, {})))[1][0] <= seen.generation:
                self.entities.pop((tenant, one), None)
        self._measure()

    async def sweep(self, tenant, kind, seen):
        generation = seen.generation
        old = [
            identity
            for identity, (its, (seen, _)) in self.entities.items()
            if identity[0] == tenant and its == kind and seen < generation
        ]
        for identity in old:
            del self.entities[identity]
        self._measure()
        return len(old)

    async def assign(self, tenant, held, seen):
        self.held[tenant] = held

    async def count(self, tenant):
        kinds = [kind for (its, _), (kind, _) in self.entities.items() if its == tenant]
        return {kind: kinds.count(kind) for kind in kinds}

    async def find(self, tenant, keys):
        return {
            one: Entity(object_id, kind, **{name: fact for name, fact in facts.items() if name in _SHOWN})
            for one in keys
            for (its, object_id), (kind, (_, facts)) in self.entities.items()
            if its == tenant and one in _keys(object_id, facts)
        }

    async def state(self, tenant, kind):
        return self.states.get((tenant, kind)) or SyncState(tenant, kind)

    async def begin(self, tenant, kind):
        state = await self.state(tenant, kind)
        self.states[tenant, kind] = replace(state, generation=state.generation + 1)
        return state.generation + 1

    async def advance(self, state, at):
        if (await self.state(state.tenant, state.kind)).generation != state.generation:
            return False
        self.states[state.tenant, state.kind] = replace(state, last_success=at, last_error=None)
        return True

    async def note_error(self, tenant, kind, error, at):
        if self.away:
            raise Unreachable("store away")
        self.states[tenant, kind] = replace(await self.state(tenant, kind), last_error=error, last_error_at=at)

    async def all_states(self, tenant):
        return [state for (its, _), state in self.states.items() if its == tenant]

    def ids(self, tenant="contoso"):
        return {object_id for its, object_id in self.entities if its == tenant}

    def facts(self, object_id, tenant="contoso"):
        return self.entities[tenant, object_id][1][1]

    def _measure(self):
        for tenant in {its for its, _ in self.entities} | set(self.smallest):
            count = len(self.ids(tenant))
            self.smallest[tenant] = min(self.smallest.get(tenant, count), count)


class MemoryBacklog:
    """`BacklogStore` in memory."""

    def __init__(self):
        self.stretches = {}
        self.added = {}

    async def added_since(self, tenant, at):
        return [one for one in self.stretches.values() if one.tenant == tenant and self.added[one.id] >= at]

    async def add(self, stretch, at):
        known = self.stretches.get(stretch.id)
        self.added.setdefault(stretch.id, at)
        if known is None:
            self.stretches[stretch.id] = stretch
        elif stretch.cause is Cause.BEHIND:
            self.stretches[stretch.id] = replace(known, end=max(known.end, stretch.end))

    async def waiting(self, tenant):
        order = list(Cause)
        found = [one for one in self.stretches.values() if one.tenant == tenant and one.done_until < one.end]
        return sorted(found, key=lambda one: (order.index(one.cause), one.start, one.name))

    async def find(self, tenant, stretch_id):
        found = self.stretches.get(stretch_id)
        return found if found and found.tenant == tenant else None

    async def advance(self, stretch_id, until, at):
        known = self.stretches[stretch_id]
        done_until = max(known.done_until, until)
        self.stretches[stretch_id] = replace(known, done_until=done_until, failures=0, put_off_at=None, not_before=None)

    async def postpone(self, stretch_id, until, at):
        known = self.stretches[stretch_id]
        self.stretches[stretch_id] = replace(known, failures=known.failures + 1, put_off_at=at, not_before=until)


class MemoryTwins:
    """`TwinStore` in memory. `stored`: the events that are stored; `twin_of`: what their documents say."""

    def __init__(self):
        self.stored = {}
        self.claims = []
        self.pages = set()
        self.twin_of = {}

    def insert(self, *candidates):
        self.stored |= {one.id: one for one in candidates}

    async def near(self, tenant, keys):
        linked = {*self.twin_of, *self.twin_of.values()}
        free = [one for one in self.stored.values() if one.tenant == tenant and one.id not in linked]
        found = {key: [one for one in free if twins.key(one.facts, one.time_ms) == key] for key in keys}
        return [one for of_key in found.values() for one in of_key[:100]]

    async def claim(self, links, at):
        refused = set()
        for index, link in enumerate(links):
            if any(link.graph == other.graph or link.unified == other.unified for other in self.claims):
                refused.add(index)
            else:
                self.claims.append(link)
        return refused

    async def links(self, ids):
        return [link for link in self.claims if link.graph in ids or link.unified in ids]

    async def decide(self, links, pages, at):
        self.twin_of |= {link.second: link.first for link in links}
        self.pages |= set(pages)

    async def decided(self, pages):
        return self.pages & set(pages)


class MemoryBlobRetries:
    """`BlobRetries` in memory, of one source. `fetched`: content ids of what was fetched meanwhile."""

    def __init__(self, fetched=frozenset):
        self.blobs = {}
        self.failures = {}
        self.reasons = {}
        self.next_try = {}
        self.expired = set()
        self._fetched = fetched

    def _listed(self, content_id):
        return content_id not in self._fetched() and content_id not in self.expired

    async def failed(self, tenant, source, why, at):
        told = {}
        for blob, reason in why.items():
            name = blob.content_id
            if self._listed(name):
                told[name] = self.failures[name] = self.failures.get(name, 0) + 1
                self.blobs[name], self.reasons[name] = blob, reason
                self.next_try[name] = at + pause(told[name])
        return told

    def _put_off(self, name, at):
        return self.failures[name] >= PATIENCE and at < self.next_try[name] <= at + 2 * LONGEST

    async def deferred(self, tenant, source, content_ids, at):
        return {one for one in content_ids if one in self.blobs and self._listed(one) and self._put_off(one, at)}

    async def due(self, tenant, source, at, limit):
        found = [
            blob
            for name, blob in self.blobs.items()
            if self._listed(name) and self.failures[name] >= PATIENCE and not self._put_off(name, at)
        ]
        return sorted(found, key=lambda blob: blob.expires)[:limit]

    async def expire(self, tenant, source, since, at):
        gone = {
            name
            for name, blob in self.blobs.items()
            if self._listed(name) and blob.created >= since and blob.expires < at
        }
        self.expired |= gone
        return len(gone)


class MemoryClockCorrections:
    """`ClockCorrections` in memory, over a backlog, sources (their `states`), and slices.

    A slice is (tenant, source, start, end); a gap (tenant, source, start, noted at): of a time that was too old.
    """

    def __init__(self, backlog, states, slices=()):
        self._backlog = backlog
        self._states = states
        self.slices = list(slices)
        self.withdrawn = []
        self.gaps = []

    def _stretches(self, tenant, source):
        return [one for one in self._backlog.stretches.values() if (one.tenant, one.source) == (tenant, source)]

    async def noted_ahead(self, tenant, after):
        stretches = [one for one in self._backlog.stretches.values() if one.tenant == tenant]
        return {
            *(one.source for one in stretches if one.cause is not Cause.ASKED and one.done_until < one.end > after),
            *(one.source for one in stretches if one.cause is Cause.LATE and self._backlog.added[one.id] > after),
            *(source for its, source, _, noted_at in self.gaps if its == tenant and noted_at > after),
        }

    async def first_in_future(self, tenant, source, now):
        stretches = [one for one in self._stretches(tenant, source) if one.cause is Cause.BEHIND]
        starts = [one.start for one in [*stretches, *self.withdrawn] if one.end > now and one.source == source]
        starts += [start for its, of, start, end in self.slices if (its, of) == (tenant, source) and end > now]
        starts += [start for its, of, start, noted_at in self.gaps if (its, of) == (tenant, source) and noted_at > now]
        return min(starts, default=None)

    async def withdraw(self, tenant, source, now):
        for one in self._stretches(tenant, source):
            rescan = one.cause is Cause.LATE
            forgotten = rescan and self._backlog.added[one.id] > now
            if forgotten or (one.cause is not Cause.ASKED and one.end > now and one.done_until < one.end):
                del self._backlog.stretches[one.id]
                if one.cause is Cause.BEHIND:
                    self.withdrawn.append(one)
        self.gaps = [gap for gap in self.gaps if gap[:2] != (tenant, source) or gap[3] <= now]

    async def pull_back(self, tenant, source, before, position, now):
        state = self._states.get((tenant, source))
        if state is None or state.position != before:
            return False
        times = {
            name: now
            for name in ("last_success", "started_at", "last_error_at", "subscribed_at")
            if (at := getattr(state, name)) is not None and at > now
        }
        self._states[tenant, source] = replace(state, position=position, **times)
        return True


class MemoryBlobs:
    """`BlobLedger` in memory, of one source. `known`: fetched, with records; `offered`, `expired`: in that order."""

    def __init__(self):
        self.known = set()
        self.empty = set()
        self.offered = []
        self.expired = []

    async def fetched(self, tenant, source, content_ids):
        return self.known & set(content_ids)

    async def listed(self, tenant, source, blobs, at):
        self.offered += [blob.content_id for blob in blobs]

    async def mark_fetched(self, tenant, source, records, slice_id, at):
        self.known |= {name for name, count in records.items() if count}
        self.empty |= {name for name, count in records.items() if not count}

    async def mark_expired(self, tenant, source, content_id, at):
        if content_id in self.known | self.empty:
            return False
        if content_id not in self.expired:
            self.expired.append(content_id)
        return True


class MemorySources:
    """The ports of `store.sources` in memory, without a backlog: the watermark is the position."""

    def __init__(self):
        self.states = {}

    async def state(self, tenant, source):
        return replace(self._state(tenant, source), watermark=None)

    def _state(self, tenant, source):
        return self.states.get((tenant, source)) or SourceState(tenant, source)

    async def _note(self, tenant, source, **noted):
        self.states[tenant, source] = replace(self._state(tenant, source), **noted)

    async def advance(self, tenant, source, position, at):
        state = await self.state(tenant, source)
        position = max(position, state.position or position)
        started = min(at, state.started_at or at)
        await self._note(tenant, source, watermark=position, position=position, started_at=started, last_success=at,
                         last_error=None, trouble=None, code="")  # fmt: skip

    async def skip(self, tenant, source, before, position, at):
        state = await self.state(tenant, source)
        if state.position == before:
            started = min(at, state.started_at or at)
            await self._note(tenant, source, watermark=position, position=position, started_at=started)

    async def reread(self, tenant, source, age_s, before, until):
        state = self.states.get((tenant, source))
        if state is not None and state.reread.get(age_s) == before:
            await self._note(tenant, source, reread={**state.reread, age_s: until})

    async def note_error(self, tenant, source, error, at, *, trouble="other", code=""):
        await self._note(tenant, source, last_error=error, last_error_at=at, trouble=trouble, code=code)

    async def note_requested(self, tenant, source, start, end):
        apart = []
        for first, last in sorted([*(await self.state(tenant, source)).requested, (start, end)]):
            if apart and first <= apart[-1][1]:
                apart[-1] = (apart[-1][0], max(apart[-1][1], last))
            else:
                apart.append((first, last))
        await self._note(tenant, source, requested=tuple(apart))

    async def note_subscribed(self, tenant, source, at):
        await self._note(tenant, source, subscribed_at=at)

    async def note_unsubscribed(self, tenant, source, since):
        before = (await self.state(tenant, source)).unsubscribed_since
        await self._note(tenant, source, unsubscribed_since=min(since, before or since) if since else None)

    async def note_watched(self, tenant, throttled):
        for source, share in throttled.items():
            await self._note(tenant, source, throttled=share)

    async def all_states(self, tenant):
        return [state for key, state in sorted(self.states.items()) if tenant in {None, key[0]}]


class MemoryShares:
    """`ShareStore` in memory; each call gives way to others, as one over a network does."""

    def __init__(self):
        self._claims = {}

    async def read(self, limit):
        await asyncio.sleep(0)
        return self._claims.get(limit, Allocations())

    async def write(self, limit, version, member, claim, gone, at):
        claims = await self.read(limit)
        if version != claims.version:
            return False
        others = {name: one for name, one in claims.members.items() if name not in gone}
        self._claims[limit] = Allocations(version + 1, others | {member: claim})
        return True
