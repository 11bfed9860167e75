"""How long it takes from when Microsoft has a record until AOC_ALERTS has the alert, with notifications on.

`python bench/detection.py [--minutes 3] [--every 2] [--rate 2] [--poll 60] [--json]`

`aoc up` with the collector's own settings: it polls each source every `--poll` seconds, and looks at once when it is
notified. The simulator is Microsoft: every `--every` seconds an attack story is told, in turns and of each tenant,
beside `--rate` usual records a second, and whoever has a webhook is notified of new content at once. An alert is timed
by that of its events that came last: from when the simulator made its record available (`/_truth`), over when the
collector fetched it and when AOC_EVENTS had it, until AOC_ALERTS had the alert. Alerts of sources that Microsoft
notifies of, and of those that it does not (audits and sign-ins of Graph), are told apart. A story has just ended, so
some of its records are up to an hour older than they can be had; of the others, such are found by a re-scan, later.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, product
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from aoc_cli.local import simulator
from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.stack import DataDirectory
from aoc_common.bus.broker import connection, opened
from aoc_common.contracts import subjects, twins
from aoc_common.contracts.webhooks import POLLED
from aoc_sim.activity.subscriptions import CONTENT_TYPES
from aoc_sim.stories import STORIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nats.aio.msg import Msg

    from aoc_cli.local.stack import Endpoints

_UP_WITHIN_S: Final = 180.0
_QUIET_WITHIN_S: Final = 240.0
#: As a collector has them when nobody says otherwise; `aoc up` alone is quicker.
_USUAL: Final = {
    "AOC_SETTLE_DELAY_S": "10",
    "AOC_GRAPH__OVERLAP_S": "30",
    "AOC_WORKERS": "4",
    "AOC_DIRECTORY__INTERVAL_S": "300",
}
#: Source -> what the simulator is told to notify of.
_NOTIFIED: Final[Mapping[str, str]] = {source: name for name, source in CONTENT_TYPES.items()} | {
    POLLED["alerts"]: "security/alerts_v2"
}
LEGS: Final = ("available to collected", "collected to AOC_EVENTS", "AOC_EVENTS to alert", "collected to alert",
               "available to alert")  # fmt: skip
KINDS: Final = ("that notify", "that are polled", "of all kinds")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event on AOC_EVENTS: its record, when that was fetched, and when the event was received; seconds."""

    record: tuple[str, str, str]
    operation: str
    fetched: float
    at: float


@dataclass(slots=True)
class Watched:
    """What came on the bus. `alerts`: of each its first revision: title, events, and when it was received.

    `twins`: event -> the others of its action: an alert names the first, and may be of what another one says.
    """

    events: dict[str, Seen] = field(default_factory=dict)
    twins: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    alerts: dict[str, tuple[str, tuple[str, ...], float]] = field(default_factory=dict)

    async def event(self, message: Msg) -> None:
        """An event, at its first version."""
        at, body = time.time(), orjson.loads(message.data)
        _, _, tenant, source, _ = message.subject.split(".")
        metadata = body["metadata"]
        record = (tenant, source, str(metadata["uid"]).lower())
        headers = message.headers or {}
        name = headers["Nats-Msg-Id"].partition(":")[0]
        if (first := headers.get(twins.HEADER)) is not None:
            self.twins[first].append(name)
        self.events.setdefault(name, Seen(record, metadata["event_code"].lower(), metadata["logged_time"] / 1000, at))

    def last(self, names: Iterable[str], at: float) -> Seen | None:
        """Of these events, and the others of their actions, the one that came last before `at`."""
        of_actions = (one for name in names for one in (name, *self.twins[name]))
        seen = (self.events[one] for one in of_actions if one in self.events)
        return max((one for one in seen if one.at <= at), key=lambda one: one.at, default=None)

    async def alert(self, message: Msg) -> None:
        """An alert, at its first revision."""
        at, info = time.time(), orjson.loads(message.data)["finding_info"]
        events = tuple(event["uid"] for event in info["related_events"])
        self.alerts.setdefault(info["uid"], (info["title"], events, at))


@contextmanager
def stack(path: Path, poll_s: float) -> Iterator[tuple[DataDirectory, Endpoints]]:
    """`aoc up` in a directory, until the context ends."""
    argv = [sys.executable, "-m", "aoc_cli", "up", "--data", str(path), "--port", "0", "--nats-port", "0"]
    env = os.environ | _USUAL | {"AOC_POLL_INTERVAL_S": str(poll_s), "AOC_ROOT": str(path.parent)}
    with (path.parent / "up.log").open("wb") as log:
        process = subprocess.Popen([*argv, "--events", "500", "--rate", "0"], stdout=log, stderr=log, env=env)
        try:
            data = DataDirectory(path)
            deadline = time.monotonic() + _UP_WITHIN_S
            while (endpoints := data.running()) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit((path.parent / "up.log").read_text()[-2000:])
                time.sleep(0.5)
            yield data, endpoints
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


class Microsoft:
    """The simulator, told what happens, and when to notify."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def subscribed(self) -> None:
        """Wait until each tenant's content has a webhook, and the history was read."""
        deadline = time.monotonic() + _UP_WITHIN_S
        wanted = set(product(simulator.tenants(), sorted(_NOTIFIED.values())))
        while wanted and time.monotonic() < deadline:
            for one in sorted(wanted):
                if await self._notify(*one):
                    wanted.discard(one)
            await asyncio.sleep(1)
        if wanted:
            raise SystemExit(f"no webhooks: {sorted(wanted)}")

    async def happens(self, tenant: str, **what: object) -> None:
        """Make records available, and notify of those of which Microsoft notifies."""
        answer = await self._client.post("/_emit", json={"tenant": tenant, **what})
        made = answer.raise_for_status().json()["records"]
        await asyncio.gather(*(self._notify(tenant, _NOTIFIED[source]) for source in made if source in _NOTIFIED))

    async def available(self) -> dict[tuple[str, str, str], float]:
        """Record -> when it could first be had."""
        found: dict[tuple[str, str, str], float] = {}
        tenants = (await self._client.get("/_truth?summary=1")).raise_for_status().json()["tenants"]
        for tenant, source in ((tenant, source) for tenant, sources in tenants.items() for source in sources):
            answer = (await self._client.get(f"/_truth/{tenant}/{source}?envelope=1")).raise_for_status()
            for line in answer.content.splitlines():
                entry = orjson.loads(line)
                at = datetime.fromisoformat(entry["available"]).timestamp()
                found[tenant, source, entry["id"].lower()] = at
        return found

    async def _notify(self, tenant: str, resource: str) -> bool:
        """Whether somebody was told, and believed it."""
        answer = await self._client.post("/_notify", json={"tenant": tenant, "resource": resource})
        sent = answer.raise_for_status().json()["deliveries"]
        return bool(sent) and all(one["status"] in {200, 202} for one in sent)


async def tell_stories(microsoft: Microsoft, minutes: float, every_s: float, rate: float) -> None:
    """Let stories happen, and usual work beside them."""
    tenants = simulator.tenants()
    stories = cycle([(tenant, story) for story in STORIES for tenant in tenants])
    began, number = time.monotonic(), 0
    next_story = began
    while (now := time.monotonic()) < began + 60 * minutes:
        if now >= next_story:
            tenant, story = next(stories)
            await microsoft.happens(tenant, story=story)
            next_story += every_s
        if rate:
            await microsoft.happens(tenants[number % len(tenants)], count=max(1, round(rate)))
        number += 1
        await asyncio.sleep(max(0.0, began + number - time.monotonic()))


async def measured(data: DataDirectory, endpoints: Endpoints, asked: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    watched, began = Watched(), time.time()
    async with (
        httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{endpoints.simulator}", timeout=60) as client,
        opened(data.nats_settings(endpoints, "reader"), "reader") as broker,
    ):
        await broker.connect()
        await connection(broker).subscribe(subjects.ALL_EVENTS, cb=watched.event)
        await connection(broker).subscribe(subjects.ALL_ALERTS, cb=watched.alert)
        microsoft = Microsoft(client)
        await microsoft.subscribed()
        await _quiet(watched)
        began = time.time()
        await tell_stories(microsoft, asked.minutes, asked.every, asked.rate)
        await asyncio.sleep(asked.poll)
        await _quiet(watched)
        return figures(watched, await microsoft.available(), began)


async def _quiet(watched: Watched) -> None:
    """Wait until no event has come for a while, or for so long."""
    deadline, before = time.monotonic() + _QUIET_WITHIN_S, -1
    while len(watched.events) != before and time.monotonic() < deadline:
        before = len(watched.events)
        await asyncio.sleep(15)


def figures(watched: Watched, available: Mapping[tuple[str, str, str], float], began: float) -> dict[str, Any]:
    """Kind of source -> leg -> p50, p95, p99; and how many alerts they are of."""
    seconds: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    slowest: list[tuple[float, float, str, str]] = []
    unknown = 0
    for title, names, at in watched.alerts.values():
        last = watched.last(names, at)
        if last is None or (since := _since(last, available)) is None:
            unknown += 1
            continue
        if since < began:
            continue  # of the history
        kind = "that notify" if last.record[1] in _NOTIFIED else "that are polled"
        took = (last.fetched - since, last.at - last.fetched, at - last.at, at - last.fetched, at - since)
        for leg, one in zip(LEGS, took, strict=True):
            for group in (kind, "of all kinds"):
                seconds[group].setdefault(leg, []).append(one)
        slowest.append((round(at - last.at, 2), round(at - since, 2), title, last.record[1]))
    return {
        "events": len(watched.events),
        "unknown": unknown,
        "slowest": sorted(slowest, reverse=True)[:5],
        **{
            kind: {"alerts": len(legs.get(LEGS[-1], ())), **{leg: _percentiles(some) for leg, some in legs.items()}}
            for kind, legs in seconds.items()
        },
    }


def _since(event: Seen, available: Mapping[tuple[str, str, str], float]) -> float | None:
    """When its record could first be had: the simulator tells records of one id apart by their operation."""
    tenant, source, name = event.record
    names = (name, f"{name}|{event.operation}")
    return next((at for one in names if (at := available.get((tenant, source, one))) is not None), None)


def _percentiles(some: Sequence[float]) -> tuple[float, float, float]:
    cuts = quantiles(some, n=100, method="inclusive") if len(some) > 1 else [some[0]] * 99
    return round(cuts[49], 3), round(cuts[94], 3), round(cuts[98], 3)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--every", type=float, default=2, help="seconds between two stories")
    parser.add_argument("--rate", type=float, default=2, help="usual records a second")
    parser.add_argument("--poll", type=float, default=60, help="AOC_POLL_INTERVAL_S")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="aoc-bench-") as where, stack(Path(where) / "data", asked.poll) as (data, endpoints):
        found = asyncio.run(measured(data, endpoints, asked))
    if asked.json:
        print(json.dumps(found))
        return
    print(f"{found['events']:,} events; {found['unknown']} alerts of events that came before")
    for kind in KINDS:
        legs = found[kind]
        print(f"sources {kind}: {legs.pop('alerts')} alerts")
        for leg, (p50, p95, p99) in legs.items():
            print(f"  {leg:<26} p50 {p50:7.3f} s   p95 {p95:7.3f} s   p99 {p99:7.3f} s")
    for took, since, title, source in found["slowest"]:
        print(f"slowest from AOC_EVENTS: {took} s, from available: {since} s, {title} ({source})")


if __name__ == "__main__":
    main()
