"""The records that were ever made available: exactly those a collector must have in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_sim.changes import states
from aoc_sim.clock import from_us, iso
from aoc_sim.difficult_records import HUGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Source
    from aoc_sim.timeline import World
    from aoc_sim.world import Blob, Entry, TenantWorld


def available(world: TenantWorld, source: Source, now_us: int) -> Iterator[Entry]:
    """The records of a source that were available at some time until now, in event order.

    A Management record whose every blob fell between the stop and the restart of a
    subscription, or expired before it was served, was never available: Microsoft does not hand those out later. Nor
    does it show a state of somebody's risk again after the next one.
    """
    feed, lane = world.feeds.get(source), world.lanes[source]
    entries = lane.entries
    if feed is None or not (feed.unsubscribed or feed.expired):
        yield from (
            entry
            for entry in entries
            if entry.ready_us <= now_us and (entry.served or not lane.is_replaced(entry, now_us))
        )
        return
    seen = {
        entry.seq
        for blob in feed.blobs
        if blob.created_us <= now_us and feed.listed(blob) and blob.seq not in feed.expired
        for entry in blob.entries
    }
    yield from (entry for entry in entries if entry.seq in seen)


def twins(world: World) -> dict[str, Any]:
    """The body of `GET /_truth/twins`: by tenant, pairs of records that are one action, both available."""
    now = world.now_us()
    pairs: dict[str, list[list[dict[str, str]]]] = {}
    for slug, tenant in world.tenants.items():
        sides: dict[str, list[Entry]] = {}
        for source in tenant.lanes:
            for entry in available(tenant, source, now):
                if entry.twin is not None:
                    sides.setdefault(entry.twin, []).append(entry)
        pairs[slug] = [
            [{"source": entry.source, "id": entry.key} for entry in both] for both in sides.values() if len(both) > 1
        ]
    return {"tenants": pairs, "total": sum(map(len, pairs.values()))}


def changes(world: World) -> dict[str, Any]:
    """The body of `GET /_truth/changes`: tenant -> source -> record -> its states, in order, with their text."""
    now, courses = world.now_us(), world.changes.courses()
    by_tenant: dict[str, dict[str, dict[str, Any]]] = {}
    for slug, tenant in world.tenants.items():
        for source in tenant.lanes:
            for entry in available(tenant, source, now):
                if entry.seq in courses:
                    by_tenant.setdefault(slug, {}).setdefault(source, {})[entry.key] = list(states(courses[entry.seq]))
    return {"tenants": by_tenant}


def excused(world: World, tenant: TenantWorld, source: Source, now_us: int) -> Iterator[dict[str, Any]]:
    """Records that a collector may be unable to fetch or to publish, and must report as missing.

    Those that exceed the default max_payload, and those whose blobs all have invalid addresses. `at`: when it happened,
    or when its blob was created.
    """
    feed = tenant.feeds.get(source)
    reachable: set[int] = set()
    dead: dict[int, Blob] = {}
    for blob in feed.blobs if feed and world.malformed.dead else ():
        if blob.seq in world.malformed.dead:
            dead |= dict.fromkeys((entry.seq for entry in blob.entries), blob)
        elif blob.created_us <= now_us:
            reachable |= {entry.seq for entry in blob.entries}
    for entry in available(tenant, source, now_us):
        if entry.seq in dead and entry.seq not in reachable:
            blob = dead[entry.seq]
            yield {"id": entry.key, "why": "dead link", "blob": blob.content_id, "at": iso(from_us(blob.created_us))}
        elif len(entry.body) >= HUGE:
            yield {"id": entry.key, "why": "huge", "bytes": len(entry.body), "at": iso(from_us(entry.at_us))}


def report(world: World, *, ids: bool = True) -> dict[str, Any]:
    """The body of `GET /_truth`."""
    now = world.now_us()
    tenants: dict[str, dict[str, Any]] = {}
    total = pending = 0
    for slug, tenant in world.tenants.items():
        tenants[slug] = {}
        for source, lane in tenant.lanes.items():
            keys = [entry.key for entry in available(tenant, source, now)]
            tenants[slug][source] = {"count": len(keys)}
            if ids:
                tenants[slug][source] |= {"records": keys, "excused": list(excused(world, tenant, source, now))}
            total += len(keys)
            pending += sum(entry.ready_us > now for entry in lane.entries)
    return {
        "tenants": tenants,
        "total": total,
        "resent": world.resent,
        "late": world.late,
        "pages_served": world.pages_served,
        "expired": {
            slug: {source: len(feed.expired) for source, feed in tenant.feeds.items()}
            for slug, tenant in world.tenants.items()
        },
        "faults_injected": dict(world.dice.injected),
        "pending": pending,
        "changing": (changing := world.changes.pending()),
        "all_available": pending == changing == 0,
        "as_of": iso(world.clock.now()),
    }
