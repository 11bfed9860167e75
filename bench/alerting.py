"""How long it takes from an event on AOC_EVENTS to its alert on AOC_ALERTS, on servers of this machine.

`python bench/alerting.py [--rate 500] [--seconds 20] [--share 1]`

Events of a day's work of the simulator, `--share` of a hundred of them inbox rules, each of somebody else, which a rule
of the pack finds: each makes an alert. The clock runs from before an event is published until its alert is received.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import orjson

from aoc_cli.local.servers import servers, service
from aoc_cli.local.stack import DataDirectory
from aoc_cli.local.supervisor import Supervisor
from aoc_common.bus.broker import connection, jetstream, opened
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim.inventory import build_directory
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.traffic import Rhythm, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nats.aio.msg import Msg

    from aoc_common.settings import NatsSettings


def message(record: dict[str, Any], source: str, now: datetime) -> EventMessage:
    """What the normalizer would publish of a record."""
    made: Any = normalise(orjson.dumps(record, default=str), RecordContext("contoso", source, now))
    return EventMessage(
        made.id, made.tenant, source, made.class_uid, made.operation, 1, None, None, None, made.message(),
        service=made.service,
    )  # fmt: skip


def mix(count: int, share: float, now: datetime) -> Iterator[tuple[EventMessage, bool]]:
    """So many messages, and whether each makes an alert."""
    rng, directory = Random("alerting"), build_directory(DEFAULT_TENANTS[0], 7)  # no secret
    moments = Rhythm(directory, now - timedelta(hours=8), now).moments(count, rng)
    usual = [draft for at in moments for draft in Traffic(directory).drafts(at, rng, room=1)]
    for number in range(count):
        if rng.random() * 100 < share:
            yield message(inbox_rule(number, now), "o365-exchange", now), True
        else:
            draft = usual[number % len(usual)]
            yield message(draft.body, draft.source, now), False


def inbox_rule(number: int, now: datetime) -> dict[str, Any]:
    """A rule that hides mail, of somebody whose rule no other one is."""
    return {
        "Id": f"bench-{number}",
        "CreationTime": f"{now:%Y-%m-%dT%H:%M:%S}",
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "RecordType": 1,
        "ResultStatus": "True",
        "UserId": f"person{number}@contoso.example",
        "Parameters": [
            {"Name": "SubjectOrBodyContainsWords", "Value": "invoice;payment"},
            {"Name": "MoveToFolder", "Value": "RSS Feeds"},
            {"Name": "MarkAsRead", "Value": "True"},
        ],
    }


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
