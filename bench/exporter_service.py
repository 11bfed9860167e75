"""What an exporter does with one sink: events a second of its CPU, its memory, and its memory while a sink hangs.

`python bench/exporter_service.py [--events 30000] [--hang 30] [--format ocsf]`

A real exporter on servers of this machine, with one sink for Splunk. The events, those of a day's work of the
simulator, are on AOC_EVENTS before it starts. Its destination is another process, which answers each request as soon
as it has come and keeps nothing; then one that reads each request and never answers, for `--hang` seconds.

`python bench/exporter_service.py --refused 10000 [--rounds 3]`: what it costs that one event in so many is refused, by
kind of destination (`bench/siem_answers.py`): runs with and without it in turns, and the ratio of their best. Status 1
when the throughput falls below half, or when something else than those events is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from event_mix import mix  # type: ignore[import-not-found]  # beside this file
from siem_answers import ANSWERS, MARK, answer, options  # type: ignore[import-not-found]

from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.servers import servers, service
from aoc_cli.local.stack import DataDirectory
from aoc_cli.local.supervisor import Supervisor
from aoc_common.bus.broker import jetstream, opened
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nats.js import JetStreamContext

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.settings import NatsSettings

_TOGETHER: Final = 500
_PATIENCE_S: Final = 300.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Asked:
    """A run: which destination, in which format, and for how long it hangs; None: it answers."""

    kind: str = "splunk"
    format: str = "ocsf"
    hang_s: float | None = None


def receive(port: int, kind: str, silent: bool) -> None:
    """A destination, in a process of its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # its end
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await reader.readexactly(_length(head))
                if not silent:
                    writer.write(answer(kind, body))

    async def main() -> None:
        async with await asyncio.start_server(serve, LOOPBACK, port, limit=1 << 22) as server:
            await server.serve_forever()

    asyncio.run(main())


def _length(head: bytes) -> int:
    return next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))


def environment(where: Path, port: int, asked: Asked) -> Mapping[str, str]:
    """Of an exporter with one sink."""
    sink = {
        "name": "bench", "kind": asked.kind, "begin": "beginning", "twins": True, "format": asked.format,
        "options": options(asked.kind, f"http://{LOOPBACK}:{port}", where),
    }  # fmt: skip
    (where / "sinks.yaml").write_text(json.dumps({"sinks": [sink]}))
    return {
        "AOC_SINKS_FILE": str(where / "sinks.yaml"),
        "AOC_EXPORT__ALLOWED_NETWORKS": json.dumps([f"{LOOPBACK}/32"]),
        "AOC_EXPORT__SECRET_DIRECTORIES": json.dumps([str(where)]),
        "AOC_EXPORT__LOOK_S": "0.5",
    }


async def publish(settings: NatsSettings, events: Sequence[EventMessage]) -> None:
    """All events, as the normalizer does."""
    async with opened(settings, "normalizer") as broker:
        await broker.connect()
        for start in range(0, len(events), _TOGETHER):
            some = events[start : start + _TOGETHER]
            outgoing = [Outgoing(event.subject, event.body, event.headers()) for event in some]
            await publish_all(jetstream(broker), subjects.EVENTS_STREAM, outgoing)


async def taken(js: JetStreamContext, events: int) -> int:
    """How many of the events the sink's consumer has behind it."""
    return sum([
        events - info.num_pending - info.num_ack_pending
        for info in await js.consumers_info(subjects.EVENTS_STREAM)
        if info.name.startswith("exporter-") and info.num_pending is not None and info.num_ack_pending is not None
    ])  # fmt: skip


async def drained(settings: NatsSettings, pid: int, events: int) -> dict[str, float]:
    """Figures from the first event that is taken until the last. `refused`: dead letters."""
    began = cpu = 0.0
    first, most = 0, 0.0
    deadline = time.monotonic() + _PATIENCE_S
    async with opened(settings, "provision") as broker:
        await broker.connect()
        while time.monotonic() < deadline:
            done = await taken(jetstream(broker), events)
            most = max(most, resident_mib(pid))
            if not began and done:
                began, cpu, first = time.monotonic(), cpu_s(pid), done
            if done == events:
                took, spent = time.monotonic() - began, cpu_s(pid) - cpu
                return {
                    "events_per_s": (events - first) / took,
                    "events_per_cpu_s": (events - first) / spent,
                    "peak_mib": most,
                    "refused": (await jetstream(broker).stream_info(subjects.DLQ_STREAM)).state.messages,
                }
            await asyncio.sleep(0.05)
    raise SystemExit("the sink has not taken all in time")


def hanging(pid: int, seconds: float) -> dict[str, Any]:
    """The memory of an exporter whose sink does not answer, at each tenth of a time."""
    memory = []
    for _ in range(10):
        time.sleep(seconds / 10)
        memory.append(round(resident_mib(pid), 1))
    return {"hanging_mib": memory}


def cpu_s(pid: int) -> float:
    """CPU seconds of a process until now."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mib(pid: int) -> float:
    """Memory of a process now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 2**20


def run(where: Path, events: Sequence[EventMessage], asked: Asked) -> dict[str, Any]:
    """One exporter over fresh servers."""
    data, port = DataDirectory(where), free_port()
    arguments = (port, asked.kind, asked.hang_s is not None)
    receiver = get_context("spawn").Process(target=receive, args=arguments, daemon=True)
    receiver.start()
    local = servers(data)
    try:
        with data.held(), Supervisor(lambda _: None, 3) as supervisor:
            list(supervisor.start(local.children))
            data.bring_in_order(local.endpoints)
            asyncio.run(publish(data.nats_settings(local.endpoints, "normalizer"), events))
            exporter = service("exporter", data, local.endpoints, environment(where, port, asked))
            list(supervisor.start([exporter]))
            if asked.hang_s is not None:
                return hanging(exporter.pid, asked.hang_s)
            return asyncio.run(drained(data.nats_settings(local.endpoints, "provision"), exporter.pid, len(events)))
    finally:
        receiver.kill()


def anew(events: Sequence[EventMessage], asked: Asked) -> dict[str, Any]:
    """As `run`, in a directory of its own."""
    with TemporaryDirectory() as where:
        return run(Path(where), events, asked)


def refusing(events: Sequence[EventMessage], one_in: int, rounds: int, format_name: str) -> bool:
    """Runs with and without events that are refused, in turns, of each kind. Whether all is as it is to be."""
    marked = [marked_event(event) if number % one_in == one_in // 2 else event for number, event in enumerate(events)]
    expected = sum(one is not other for one, other in zip(events, marked, strict=True))
    fine = True
    for kind in ANSWERS:
        asked = Asked(kind, format_name)
        made = [(anew(events, asked), anew(marked, asked)) for _ in range(rounds)]
        without, with_ = (max(one[side]["events_per_s"] for one in made) for side in (0, 1))
        spent = [max(one[side]["events_per_cpu_s"] for one in made) for side in (0, 1)]
        refused = {(int(one["refused"]), int(other["refused"])) for one, other in made}
        print(
            f"{kind:8} none refused {without:,.0f}/s, {expected} of {len(events):,} refused {with_:,.0f}/s: "
            f"{with_ / without:.2f} (of its CPU {spent[1] / spent[0]:.2f}); dead letters {sorted(refused)}"
        )
        fine = fine and with_ >= without / 2 and refused == {(0, expected)}
    return fine


def marked_event(event: EventMessage) -> EventMessage:
    """An event that destinations refuse."""
    return replace(event, body=b'{"message_id":"' + MARK + b'",' + event.body[1:])


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--hang", type=float, default=30)
    parser.add_argument("--format", default="ocsf")
    parser.add_argument("--refused", type=int, help="one in so many")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    events = [event for event, _ in mix(asked.events, 0, datetime.now(UTC))]
    if asked.refused:
        return int(not refusing(events, asked.refused, asked.rounds, asked.format))
    for hang_s in (None, asked.hang):
        for name, figure in anew(events, Asked(format=asked.format, hang_s=hang_s)).items():
            print(f"{name:20} {figure if isinstance(figure, list) else f'{figure:,.0f}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
