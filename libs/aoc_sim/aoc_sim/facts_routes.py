"""`/_books`: the facts of every record, and what was delivered."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from aoc_sim.record_facts import Identities
from aoc_sim.responses import json_answer
from aoc_sim.truth import available

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from aoc_sim.records.base import Source
    from aoc_sim.timeline import World
    from aoc_sim.world import Entry, TenantWorld

#: Lines that are sent together.
_TOGETHER: Final = 500


class FactsRoutes:
    """The routes of `/_books`. Never part of Microsoft's APIs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/_books", self.sources), Route("/_books/{slug}/{source}", self.records)]

    async def sources(self, request: Request) -> Response:
        """Tenant -> source -> deliveries, how many records were shown, and what became of blobs."""
        del request
        self._world.catch_up()
        return json_answer(
            {
                "started_us": int(self._world.started.timestamp() * 1_000_000),
                "tenants": {
                    slug: {source: self._source(slug, tenant, source) for source in tenant.lanes}
                    for slug, tenant in self._world.tenants.items()
                },
            }
        )

    async def records(self, request: Request) -> Response:
        """A line of JSON for each record that was ever available: see `_line`."""
        self._world.catch_up()
        tenant = self._world.tenants.get(request.path_params["slug"])
        source = (
            next((name for name in tenant.lanes if name == request.path_params["source"]), None) if tenant else None
        )
        if tenant is None or source is None:
            return json_answer({"error": "no such tenant or source"}, status=404)
        entries = list(available(tenant, source, self._world.now_us()))
        known = Identities(tenant.directory)
        first = _first_offers(self._world, tenant, source)
        return StreamingResponse(_lines(entries, known, first), media_type="application/x-ndjson")

    def _source(self, slug: str, tenant: TenantWorld, source: Source) -> dict[str, Any]:
        feed = tenant.feeds.get(source)
        blobs = feed.blobs if feed else []
        now_us = self._world.now_us()
        return {
            "deliveries": list(map(list, self._world.deliveries.of(slug, source))),
            "shown": sum(entry.served for entry in tenant.lanes[source].entries),
            "blobs_served": len(feed.served) if feed else 0,
            "blobs_left": sum(
                blob.created_us <= now_us and blob.seq not in feed.served | feed.expired for blob in blobs if feed
            ),
            "blobs_dead": sum(blob.seq in self._world.malformed.dead for blob in blobs),
            "blobs_gone": [blob.created_us for blob in blobs if feed and blob.seq in feed.expired],
        }


def _first_offers(world: World, tenant: TenantWorld, source: Source) -> dict[int, int]:
    """Sequence number of a record -> when the first blob was made in which it can be had."""
    feed = tenant.feeds.get(source)
    first: dict[int, int] = {}
    for blob in feed.blobs if feed else ():
        if feed and blob.seq not in feed.expired and blob.seq not in world.malformed.dead:
            for entry in blob.entries:
                first.setdefault(entry.seq, blob.created_us)
    return first


def _lines(entries: list[Entry], known: Identities, first: dict[int, int]) -> Iterator[bytes]:
    for some in batched(entries, _TOGETHER):
        yield b"".join(
            orjson.dumps(_line(entry, known, first.get(entry.seq, entry.ready_us))) + b"\n" for entry in some
        )


def _line(entry: Entry, known: Identities, available_us: int) -> dict[str, Any]:
    """A record: its key, times in microseconds, the digests of the texts in which it was served, and its facts.

    `risky`: those of the texts that state a risk.
    """
    facts = entry.facts
    return {
        "id": entry.key,
        "time": entry.at_us,
        "available": available_us,
        "texts": list(entry.digests),
        "risky": [text for text, risky in entry.digests.items() if risky],
        "kind": facts.kind,
        "operation": facts.operation,
        "result": facts.result,
        "actor": known.names(facts, entry.body),
        "says": facts.actor,
        "ip": facts.ip,
        "sizes": sorted(entry.sizes),
    }
