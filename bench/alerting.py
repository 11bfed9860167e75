"""How long it takes from an event on AOC_EVENTS to its alert on AOC_ALERTS, on servers of this machine.

`python bench/alerting.py [--rate 500] [--seconds 20] [--share 1]`

Events of a day's work of the simulator, `--share` of a hundred of them inbox rules, each of somebody else, which a rule
of the pack finds: each makes an alert. The clock runs from before an event is published until its alert is received.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import orjson
from event_mix import mix  # type: ignore[import-not-found]  # beside this file

from aoc_cli.local.servers import servers, service
from aoc_cli.local.stack import DataDirectory
from aoc_cli.local.supervisor import Supervisor
from aoc_common.bus.broker import connection, jetstream, opened
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.msg import Msg

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.settings import NatsSettings


type Settings = Callable[[str], NatsSettings]
"""Of a user of the bus."""


async def measured(settings: Settings, wanted: list[tuple[EventMessage, bool]], rate: float) -> list[float]:
    """Seconds of each alert."""
    sent: dict[str, float] = {}
    took: dict[str, float] = {}
    alerted, done = {str(event.id) for event, alerts in wanted if alerts}, asyncio.Event()

    async def received(one: Msg) -> None:
        for event in orjson.loads(one.data)["finding_info"]["related_events"]:
            took.setdefault(event["uid"], time.perf_counter() - sent[event["uid"]])
        if took.keys() >= alerted:
            done.set()

    async with opened(settings("normalizer"), "normalizer") as broker, opened(settings("reader"), "reader") as looking:
        await asyncio.gather(broker.connect(), looking.connect())
        await connection(looking).subscribe(subjects.ALL_ALERTS, cb=received)
        began, step = time.perf_counter(), max(1, round(rate / 50))
        for start in range(0, len(wanted), step):
            some = wanted[start : start + step]
            sent |= dict.fromkeys((str(event.id) for event, _ in some), time.perf_counter())
            outgoing = [Outgoing(event.subject, event.body, event.headers()) for event, _ in some]
            await publish_all(jetstream(broker), subjects.EVENTS_STREAM, outgoing)
            await asyncio.sleep(max(0.0, began + (start + step) / rate - time.perf_counter()))
        await asyncio.wait_for(done.wait(), 60)
    return [took[one] for one in alerted]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--share", type=float, default=1)
    asked = parser.parse_args()
    wanted = list(mix(int(asked.rate * asked.seconds), asked.share, datetime.now(UTC)))
    with TemporaryDirectory() as where:
        data = DataDirectory(Path(where))
        local = servers(data)
        with data.held(), Supervisor(print, 3) as supervisor:
            list(supervisor.start(local.children))
            data.bring_in_order(local.endpoints)
            list(supervisor.start([service("alerter", data, local.endpoints)]))
            settings = partial(data.nats_settings, local.endpoints)
            seconds = asyncio.run(measured(settings, wanted, asked.rate))
    cuts = quantiles(seconds, n=100)
    print(f"{len(wanted):,} events at {asked.rate:,.0f}/s, {len(seconds)} alerts: "
          f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
