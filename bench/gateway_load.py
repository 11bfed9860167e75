"""What requests of many analysts cost the gateway: its own CPU for each, errors, and whether its memory grows.

`python bench/gateway_load.py [--analysts 200] [--seconds 60] [--pause 20] [--events 20000] [--json]`

A real gateway process over a real MongoDB-protocol server, and so many analysts, each with a key of their own, behind
one address. Each asks for what people do who work through events, with a pause of ten to thirty seconds between two
requests: to read what was found. The stand-in for MongoDB cannot serve many more; `--pause 1` asks a real one for
twenty times as much.

CPU is the process's own (`/proc`). Of the load it is the mean: what one second spends is on requests that are answered
in another. Then one of them asks the same mix, one request after the other, and p50 and p95 are of these: all that the
process spends from a request until a moment after its answer, when it is in the audit trail.

Clients and database run on the same cores, so latencies are of the machine, not of the gateway; the requests a second
say how much was asked for. The events are those of `bench/queries.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from gateway import gateway, on_a_database, running, seed_source  # type: ignore[import-not-found]  # beside this file
from queries import seed  # type: ignore[import-not-found]  # the same

from aoc_common.contracts.access import Grant
from aoc_common.contracts.credentials import fingerprint, new_api_key
from aoc_common.settings import MongoSettings
from aoc_common.store.api_keys import ApiKey
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

_TENANT: Final = "contoso"
#: Seconds after which a client closes a connection that it does not use: before the gateway does.
_IDLE_S: Final = 3.0
#: The stand-in for MongoDB answers one question at a time: searches of so many wait longer for their turn.
_PATIENT: Final = {"AOC_API__LIMITS__WAIT_S": "25", "AOC_API__LIMITS__REQUESTS": "256"}
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
#: Weight, path, parameters: what analysts ask for. `{actor}`, `{word}`: one of many. `event`, `next`: of a page before.
_MIX: Final[tuple[tuple[int, str, dict[str, str]], ...]] = (
    (30, "/api/events", {"page_size": "50"}),
    (15, "/api/events", {"actor": "{actor}@contoso.example", "page_size": "50"}),
    (10, "/api/events", {"q": "word{word}", "page_size": "50"}),
    (10, "next", {"page_size": "50"}),
    (20, "event", {}),
    (8, "/api/facets", {"field": "operation", "start": "2026-11-18T00:00:00Z"}),
    (4, "/api/me", {}),
    (3, "/api/source-health", {}),
)
_ACTORS: Final = ("svc.backup", "ada.quill", "dana.reyes", "kim.zhou", "omar.weber", "vera.lind", "lee.silva", "nobody")
_SOURCES: Final = 4
#: Requests that are asked alone, and seconds in which what follows an answer is done.
_ALONE: Final = 400
_AFTERWARDS_S: Final = 0.03


@dataclass(slots=True)
class Load:
    """What happened. `latencies`: seconds. `costs`: CPU seconds of each request that was asked alone."""

    answers: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


async def keys(uri: str, analysts: int) -> list[str]:
    """A key for each analyst, a reader of the tenant."""
    made, now = [], datetime.now(UTC)
    async with connect(MongoSettings(uri=uri)) as database:
        store = MongoApiKeys(database)
        for number in range(analysts):
            secret = new_api_key()
            of = fingerprint(secret)
            grants = (Grant("reader", tenants=frozenset({_TENANT})),)
            await store.put(ApiKey(of.id, f"{number}", grants, "bench", now, now + timedelta(days=1)), of)
            made.append(secret)
    return made


class Analyst:
    """One person, who asks for what others led to."""

    def __init__(self, client: httpx.AsyncClient, key: str, seed_: int, load: Load) -> None:
        self.chance = random.Random(seed_)
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}
        self._load = load
        self._event: str | None = None
        self._following: str | None = None

    async def work(self, pause: float, until: float) -> None:
        """Ask, read, and ask again."""
        await self._read(pause * self.chance.uniform(0, 1.5), until)
        while time.monotonic() < until:
            await self.ask()
            await self._read(pause * self.chance.uniform(0.5, 1.5), until)

    async def ask(self) -> None:
        """One request of the mix."""
        path, params = self._request()
        began = time.monotonic()
        try:
            answer = await self._client.get(path, params=params, headers=self._headers)
        except httpx.HTTPError as error:
            self._load.answers[type(error).__name__] += 1
            return
        self._load.latencies.append(time.monotonic() - began)
        self._load.answers[_kind(answer)] += 1
        if path == "/api/events" and answer.status_code == 200 and not params.keys() & {"actor", "q"}:
            page = answer.json()
            self._following = page["next_cursor"]
            self._event = page["items"][0]["id"] if page["items"] else self._event

    def _request(self) -> tuple[str, dict[str, str]]:
        (_, path, parameters) = self.chance.choices(_MIX, weights=[weight for weight, _, _ in _MIX])[0]
        names = {"actor": self.chance.choice(_ACTORS), "word": self.chance.randrange(1, 500)}
        params = {name: value.format_map(names) for name, value in parameters.items()}
        if path == "event":
            path = f"/api/events/{self._event}" if self._event else "/api/events"
        elif path == "next":
            path = "/api/events"
            params |= {"cursor": self._following} if self._following else {}
        if path != "/api/me":
            params["tenant"] = _TENANT
        return path, params

    @staticmethod
    async def _read(seconds: float, until: float) -> None:
        await asyncio.sleep(min(seconds, max(0.0, until - time.monotonic())))


def _kind(answer: httpx.Response) -> str:
    """The status of an answer; of a problem, its kind and what was asked for."""
    if answer.status_code < 400:
        return str(answer.status_code)
    return f"{answer.json()['type']} {answer.url.path[:12]} {','.join(answer.url.params)}"


def cpu_s(pid: int) -> float:
    """CPU seconds of a process until now."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mib(pid: int) -> float:
    """Memory of a process now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 2**20


async def watched(pid: int, seconds: float, memory: list[float]) -> None:
    """Note the process's memory at each tenth of a time."""
    while True:
        memory.append(round(resident_mib(pid), 1))
        await asyncio.sleep(seconds / 10)


async def alone(pid: int, one: Analyst, load: Load) -> None:
    """What each request costs that nobody disturbs."""
    for _ in range(_ALONE):
        cpu = cpu_s(pid)
        await one.ask()
        await asyncio.sleep(_AFTERWARDS_S)
        load.costs.append(cpu_s(pid) - cpu)


async def measure(base: str, pid: int, secrets: Sequence[str], seconds: float, pause: float) -> dict[str, Any]:
    """All figures."""
    load, warm = Load(), Load()
    limits = httpx.Limits(max_connections=len(secrets) + 10, keepalive_expiry=_IDLE_S)
    async with httpx.AsyncClient(base_url=base, timeout=60, limits=limits) as client:
        until = time.monotonic() + min(1.5 * pause, seconds)
        await asyncio.gather(
            *(Analyst(client, key, -number, warm).work(pause, until) for number, key in enumerate(secrets))
        )
        began, cpu, memory = time.monotonic(), cpu_s(pid), list[float]()
        watching = asyncio.create_task(watched(pid, seconds, memory))
        until = began + seconds
        await asyncio.gather(
            *(Analyst(client, key, number, load).work(pause, until) for number, key in enumerate(secrets))
        )
        elapsed, spent = time.monotonic() - began, cpu_s(pid) - cpu
        watching.cancel()
        single = Load()
        await alone(pid, Analyst(client, secrets[0], 0, single), single)
    latencies, costs = sorted(load.latencies), sorted(single.costs)
    return {
        "requests": load.answers.total(),
        "requests_per_s": load.answers.total() / elapsed,
        "answers": dict(load.answers),
        "cpu_ms_a_request": spent / load.answers.total() * 1000,
        "cpu_ms_alone_p50": _at(costs, 0.5) * 1000,
        "cpu_ms_alone_p95": _at(costs, 0.95) * 1000,
        "alone": dict(single.answers),
        "latency_ms_p50": _at(latencies, 0.5) * 1000,
        "latency_ms_p95": _at(latencies, 0.95) * 1000,
        "memory_mib": memory,
    }


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def run(uri: str, log: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Seed, start, measure."""
    async with connect(MongoSettings(uri=uri)) as database:
        await seed(database, arguments.events, slim=False)
        now = datetime.now(UTC).replace(microsecond=0)
        for number in range(_SOURCES):
            await seed_source(database, f"source-{number}", now)
    secrets = await keys(uri, arguments.analysts)
    child = gateway(uri, log)
    child.env = {**child.env, **_PATIENT}
    with running(child) as address:
        return await measure(f"http://{address}", child.pid, secrets, arguments.seconds, arguments.pause)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--analysts", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--pause", type=float, default=20, help="seconds between two requests of one analyst")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = on_a_database(run, arguments)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        print(f"{name:20} {figure:,.1f}" if isinstance(figure, float) else f"{name:20} {figure}")


if __name__ == "__main__":
    main()
