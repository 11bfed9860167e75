"""Which records were ever made available: what a collector must have in the end, no more and no less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_sim.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Source
    from aoc_sim.timeline import World
    from aoc_sim.world import Entry, TenantWorld


def available(world: TenantWorld, source: Source, now_us: int) -> Iterator[Entry]:
    """The records of a source that were available at some time until now, in event order.

    A Management record whose every blob fell between the stop and the restart of a
    subscription, or expired before it was served, was never available: Microsoft does not hand those out later.
    """
    feed = world.feeds.get(source)
    entries = world.lanes[source].entries
    if feed is None or not (feed.hidden or feed.gone):
        yield from (entry for entry in entries if entry.ready_us <= now_us)
        return
    seen = {
        entry.seq
        for blob in feed.blobs
        if blob.created_us <= now_us and feed.listed(blob) and blob.seq not in feed.gone
        for entry in blob.entries
    }
    yield from (entry for entry in entries if entry.seq in seen)


def twins(world: World) -> dict[str, Any]:
    """The body of `GET /_truth/twins`: by tenant, pairs of records that are one action, both available."""
    now = world.now_us()
    found: dict[str, list[list[dict[str, str]]]] = {}
    for slug, tenant in world.tenants.items():
        sides: dict[str, list[Entry]] = {}
        for source in tenant.lanes:
            for entry in available(tenant, source, now):
                if entry.twin is not None:
                    sides.setdefault(entry.twin, []).append(entry)
        found[slug] = [
            [{"source": entry.source, "id": entry.key} for entry in both] for both in sides.values() if len(both) > 1
        ]
    return {"tenants": found, "total": sum(map(len, found.values()))}


def report(world: World, *, ids: bool = True) -> dict[str, Any]:
    """The body of `GET /_truth`."""
    now = world.now_us()
    tenants: dict[str, dict[str, Any]] = {}
    total = pending = 0
    for slug, tenant in world.tenants.items():
        tenants[slug] = {}
        for source, lane in tenant.lanes.items():
            keys = [entry.key for entry in available(tenant, source, now)]
            tenants[slug][source] = {"records": keys, "count": len(keys)} if ids else {"count": len(keys)}
            total += len(keys)
            pending += sum(entry.ready_us > now for entry in lane.entries)
    return {
        "tenants": tenants,
        "total": total,
        "resent": world.resent,
        "late": world.late,
        "pages_served": world.pages_served,
        "expired": {
            slug: {source: len(feed.gone) for source, feed in tenant.feeds.items()}
            for slug, tenant in world.tenants.items()
        },
        "faults_injected": dict(world.dice.injected),
        "pending": pending,
        "all_available": pending == 0,
        "as_of": iso(world.clock.now()),
    }
