"""What the gateway's dearest requests leave to others, and what the health of many sources costs.

`python bench/gateway.py [--events 20000] [--sources 24] [--at-once 8] [--asks 150] [--json]`

A real gateway process over a real MongoDB-protocol server. The dearest request is a filter that nothing matches; so
many of them run at once, again and again, while a cheap one (the newest events) is timed. `/api/source-health` is asked
of a tenant with so many sources, each with settled slices, some that are on their way, content that waits, and
arrivals of five weeks. Runs on versions before too, to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx

from aoc_cli.local import mongo
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_common.contracts import ids
from aoc_common.contracts.event import Event
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from aoc_common.store.mongo.client import Database

    type Run = Callable[[str, Path, argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]]

_TENANT: Final = "contoso"
_DAYS: Final = 30
_SLICES: Final = 500
_OPEN: Final = 4
_BLOBS: Final = 50
_DEAR: Final = {"tenant": _TENANT, "actor": "nobody@contoso.example"}


def an_event(number: int, at: datetime) -> Event:
    """An event like most."""
    at_ms = ids.to_ms(at)
    words = tuple(f"word{number % 97 + step}" for step in range(12))
    return Event(
        id=ids.event_id(_TENANT, "ual", str(number), at_ms),
        tenant=_TENANT,
        source="o365-exchange",
        time_ms=at_ms,
        class_uid=6003,
        service="exchange",
        operation="Set-Mailbox",
        result="success",
        actor=f"user{number % 50}@contoso.example",
        ip="203.0.113.9",
        correlation_id=None,
        terms=words,
        tags=(),
        mapper="exchange",
        mapper_version=1,
        ocsf={"metadata": {"uid": str(number)}, "class_uid": 6003, "message": "a sentence " * 10},
        unmapped={f"field{step}": "a value" for step in range(10)},
        raw=json.dumps({"Id": str(number), "Parameters": "x" * 800}),
    )


async def seed(database: Database, events: int, sources: int) -> None:
    """Events of thirty days, and the account of so many sources."""
    await ensure_indexes(database)
    now, store = datetime.now(UTC), MongoEvents(database, lambda _tenant, _source: timedelta(days=365))
    step = timedelta(days=_DAYS) / events
    for first in range(0, events, 500):
        made = [an_event(number, now - step * number) for number in range(first, min(first + 500, events))]
        await store.insert(made, ["page"] * len(made))
    for number in range(sources):
        await seed_source(database, f"source-{number:02}", now.replace(microsecond=0))


async def seed_source(database: Database, source: str, now: datetime) -> None:
    """The account of one source: five minutes a slice, the newest few of them on their way."""
    of: dict[str, Any] = {"tenant": _TENANT, "source": source}
    span, begin = timedelta(minutes=5), now - timedelta(minutes=5 * _SLICES)
    slices = [
        {
            "_id": f"{_TENANT}/{source}/{number}",
            **of,
            "start": begin + span * number,
            "end": begin + span * (number + 1),
            "state": "fetched" if number >= _SLICES - _OPEN else "settled",
            "pages": 1,
            "records": 10,
        }
        for number in range(_SLICES)
    ]
    await database["ledger_slices"].insert_many(slices)
    await database["sources"].insert_one({"_id": f"{_TENANT}/{source}", **of, "position": now, "last_success": now})
    await database["ledger_sums"].insert_one({"_id": f"{_TENANT}/{source}", **of, "slices": _SLICES, "since": begin})
    blobs = [
        {"_id": f"{source}/{number}", **of, "state": "listed", "created": now, "expires": now + timedelta(days=6)}
        for number in range(_BLOBS)
    ]
    await database["ledger_blobs"].insert_many(blobs)
    today = now.replace(hour=0, minute=0, second=0)
    days = [
        {
            "_id": f"{_TENANT}/{source}/{day}",
            **of,
            "day": today - timedelta(days=day),
            "hours": {str(hour): 12 for hour in range(24)},
            "late": {str(late): 12 for late in range(8, 24)},
            "newest": now - timedelta(days=day),
        }
        for day in range(35)
    ]
    await database["arrivals"].insert_many(days)


def gateway(uri: str, log: Path) -> Child:
    """A gateway process without a bus."""
    port = free_port()
    env = {
        "AOC_MONGO__URI": uri,
        "AOC_NATS__URL": "nats://127.0.0.1:1",
        "AOC_API__PORT": str(port),
        "AOC_API__AUDIT__SPOOL": str(log.with_suffix(".audit")),
        "AOC_TELEMETRY__LOG_LEVEL": "error",
    }
    return Child("gateway", [sys.executable, "-m", "aoc_api"], log, port, env)


@contextmanager
def running(child: Child) -> Iterator[str]:
    """Start a server, and end it; its address."""
    child.start()
    try:
        child.wait_ready()
        yield f"{LOOPBACK}:{child.port}"
    finally:
        child.stop()


def on_a_database(run: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of a run on a MongoDB-protocol server of its own."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        with running(mongo.server(directory / "mongo", free_port(), auth=False)) as address:
            return asyncio.run(run(f"mongodb://{address}", directory / "gateway.log", arguments))


async def timed(ask: Callable[[], Awaitable[httpx.Response]], times: int) -> list[float]:
    """Milliseconds of each of so many requests, one after the other."""
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        answer = await ask()
        answer.raise_for_status()
        durations.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)
    return durations


async def measure(client: httpx.AsyncClient, at_once: int, asks: int) -> dict[str, Any]:
    """All figures, milliseconds."""

    def cheap() -> Awaitable[httpx.Response]:
        return client.get("/api/events", params={"tenant": _TENANT, "page_size": 10})

    answers: dict[str, int] = {}

    async def dear() -> None:
        while True:
            answer = await client.get("/api/events", params=_DEAR)
            answers[str(answer.status_code)] = answers.get(str(answer.status_code), 0) + 1
            await asyncio.sleep(float(answer.headers.get("Retry-After", 0)))

    health = await timed(lambda: client.get("/api/source-health", params={"tenant": _TENANT}), 5)
    alone = await timed(cheap, 10)
    began = time.perf_counter()
    (await client.get("/api/events", params=_DEAR)).raise_for_status()
    elapsed_ms = (time.perf_counter() - began) * 1000
    crowd = [asyncio.create_task(dear()) for _ in range(at_once)]
    await asyncio.sleep(0.5)
    beside = await timed(cheap, asks)
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    return {
        "source_health_ms": {"median": median(health), "worst": max(health)},
        "cheap_alone_ms": {"median": median(alone), "worst": max(alone)},
        "cheap_beside_dear_ms": {"median": median(beside), "worst": max(beside)},
        "one_dear_ms": elapsed_ms,
        "dear_answers": answers,
    }


async def signed_in(mongo: MongoSettings) -> dict[str, str]:
    """The headers of a request that may ask for everything."""
    try:
        from aoc_cli.access import local
        from aoc_common.contracts.credentials import new_api_key
    except ImportError:  # a version before, which asked nobody who they are
        return {}
    secret = new_api_key()
    await local.make_known(secret, mongo)
    return {"Authorization": f"Bearer {secret}"}


async def run(uri: str, log: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Seed, start, measure."""
    async with connect(MongoSettings(uri=uri)) as database:
        await seed(database, arguments.events, arguments.sources)
    headers = await signed_in(MongoSettings(uri=uri))
    with running(gateway(uri, log)) as address:
        async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=120) as client:
            return await measure(client, arguments.at_once, arguments.asks)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--sources", type=int, default=24)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--asks", type=int, default=150, help="cheap requests that are timed")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = on_a_database(run, arguments)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        shown = figure if not isinstance(figure, float) else f"{figure:,.0f}"
        if isinstance(figure, dict):
            shown = ", ".join(f"{kind} {value:,.0f}" for kind, value in figure.items())
        print(f"{name:22} {shown}")


if __name__ == "__main__":
    main()
