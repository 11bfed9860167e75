"""Pages of many events by their cursors, while new ones arrive: that each id comes once, and what late pages cost.

`python bench/paging.py [--events 100000] [--page 80] [--json]`

The gateway listens on a port of its own, over a real MongoDB-protocol server; a client asks for all events of a tenant,
page by page. After each tenth page events arrive, half of them newer than all and half of some time in the thirty days.
Documents that are examined are counted as `bench/queries.py` does, on the first page and on every hundredth.
Status 1 when an id is missing or comes twice, when an id comes that nobody stored, or when one of these pages examines
more than twice what it returns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

import httpx
import uvicorn
from gateway import on_a_database, signed_in  # type: ignore[import-not-found]  # beside this file
from queries import Examined, an_event, seed  # type: ignore[import-not-found]  # the same

from aoc_api.app import create_app
from aoc_api.parts.server import serving
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, RateOptions
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_common.settings import MongoSettings, NatsSettings, TelemetrySettings
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aoc_common.store.mongo.client import Database

_TENANT: Final = "contoso"
#: Where `queries.seed` puts its newest event, and over how many days it spreads them.
_NEWEST: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_DAYS: Final = 30
#: How often events arrive, and how many at once: in pages, in events.
_EVERY: Final = 10
_AT_ONCE: Final = 20
#: Which pages are looked at closely, beside the first.
_LOOKED_AT: Final = 100
_FACTOR: Final = 2


@dataclass(slots=True)
class Paged:
    """What a client saw. `ids`: id -> how often it came. `pages`: number -> (examined, returned, milliseconds)."""

    ids: dict[str, int] = field(default_factory=dict)
    pages: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    requests: int = 0


class Arrivals:
    """Events that arrive while somebody reads."""

    def __init__(self, database: Database, begin: int) -> None:
        self._store = MongoEvents(database, lambda _tenant, _source: timedelta(days=400))
        self._dice, self._next, self._begin = Random(7), begin, begin
        self.ids: set[str] = set()

    async def some(self) -> None:
        """Half of them newer than all, half of any time: late ones."""
        moments = []
        for number in range(_AT_ONCE):
            late = timedelta(seconds=self._dice.uniform(0, _DAYS * 86_400))
            newer = timedelta(milliseconds=self._next - self._begin + number + 1)
            moments.append(_NEWEST - late if number % 2 else _NEWEST + newer)
        made = [an_event(self._next + number, at, self._dice, slim=True) for number, at in enumerate(moments)]
        self._next += _AT_ONCE
        await self._store.insert(made, ["page"] * len(made))
        self.ids |= {str(event.id) for event in made}


@asynccontextmanager
async def listening(mongo: MongoSettings, spool: Path) -> AsyncIterator[str]:
    """A gateway in this process, so that its queries can be counted, on a port of its own; its address."""
    options = ApiOptions(
        port=free_port(),
        audit=AuditOptions(spool=spool),
        # One client asks as fast as it can: here how often somebody may ask is not looked at.
        rates=RateOptions(caller_burst=1_000_000, address_burst=1_000_000),
    )
    settings = ApiSettings(mongo=mongo, nats=NatsSettings(url=f"nats://{LOOPBACK}:1"), api=options)
    service = serving(create_app(settings), settings)
    async with service.life() as app:
        config = uvicorn.Config(
            app, host=LOOPBACK, port=options.port, log_config=None, lifespan="off", ws="none", **service.server
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve())
        while not server.started and not running.done():  # noqa: ASYNC110  # uvicorn offers no event
            await asyncio.sleep(0.02)
        try:
            yield f"http://{LOOPBACK}:{options.port}"
        finally:
            server.should_exit = True
            await running


async def read(client: httpx.AsyncClient, size: int, arrivals: Arrivals, examined: Examined) -> Paged:
    """All pages to the last, by their cursors."""
    paged, number = Paged(), 0
    parameters = {"tenant": _TENANT, "page_size": str(size)}
    while True:
        await examined.taken()
        began = time.perf_counter()
        answer = await client.get("/api/events", params=parameters)
        elapsed_ms = (time.perf_counter() - began) * 1000
        answer.raise_for_status()
        page, paged.requests = answer.json(), paged.requests + 1
        for item in page["items"]:
            paged.ids[item["id"]] = paged.ids.get(item["id"], 0) + 1
        # A page that is not full, and goes on, is one whose time was up: it is no page more.
        number += bool(page["items"])
        if number == 1 or number % _LOOKED_AT == 0:
            paged.pages[number] = await examined.taken(), len(page["items"]), elapsed_ms
        if page["next_cursor"] is None:
            return paged
        parameters["cursor"] = page["next_cursor"]
        if number % _EVERY == 0:
            await arrivals.some()


async def stored_ids(database: Database) -> set[str]:
    """Every id that is in the store."""
    return {str(document["_id"]) async for document in database["events"].find({"tenant": _TENANT}, {"_id": 1})}


async def run(uri: str, log: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Seed, read, compare."""
    mongo = MongoSettings(uri=uri)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connect(mongo))
        rate = await seed(database, arguments.events, slim=True)
        print(f"{arguments.events:,} events stored, {rate:,.0f}/s", file=sys.stderr)
        before, arrivals, examined = (
            await stored_ids(database),
            Arrivals(database, arguments.events),
            Examined(database),
        )
        address = await stack.enter_async_context(listening(mongo, log.with_suffix(".audit")))
        examined.listen(stack.enter_context(ExitStack()))
        headers = await signed_in(mongo)
        client = httpx.AsyncClient(base_url=address, headers=headers, timeout=60)
        paged = await read(await stack.enter_async_context(client), arguments.page, arrivals, examined)
    return {
        "events": len(before),
        "arrived": len(arrivals.ids),
        "requests": paged.requests,
        "ids": len(paged.ids),
        "of_those_that_arrived": len(arrivals.ids & paged.ids.keys()),
        "missing": len(before - paged.ids.keys()),
        "twice": sum(1 for times in paged.ids.values() if times > 1),
        "unknown": len(paged.ids.keys() - before - arrivals.ids),
        "pages": {
            number: {"examined": of_page[0], "returned": of_page[1], "ms": of_page[2]}
            for number, of_page in paged.pages.items()
        },
    }


def kept(report: dict[str, Any]) -> bool:
    """Whether a report says what is promised."""
    cheap = all(page["examined"] <= _FACTOR * page["returned"] for page in report["pages"].values())
    return cheap and not (report["missing"] or report["twice"] or report["unknown"])


def main() -> None:
    """Print the figures; status 1 when they are not as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--page", type=int, default=80, help="events a page")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    logs.configure("bench", TelemetrySettings(log_level="error", log_format="console"))
    report = on_a_database(run, arguments)
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        for name, figure in report.items():
            if name != "pages":
                print(f"{name:22} {figure:,}")
        for number, page in report["pages"].items():
            print(f"page {number:<6} {page['examined']:6} examined {page['returned']:5} returned {page['ms']:8.1f} ms")
    raise SystemExit(not kept(report))


if __name__ == "__main__":
    main()
