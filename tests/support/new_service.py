"""`python new_service.py NAME DIRECTORY`: run that service of this tree on servers of its own, and say what it shows.

Publishes four events of three operations, waits until the service has counted them, and prints JSON: its answers of
/readyz `before` and `after`, and what it has `shown` at /metrics.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from aoc_cli.local.servers import servers, service
from aoc_cli.local.stack import DataDirectory
from aoc_cli.local.supervisor import Supervisor
from aoc_common.bus.broker import jetstream, opened
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.event_message import EventMessage

if TYPE_CHECKING:
    from aoc_common.settings import NatsSettings

EVENT: Final = EventMessage(UUID(int=1), "contoso", "o365-dlp", 6003, "a", 1, None, None, None, b"{}")
OPERATIONS: Final = ("a", "b", "a", "c")
_WAIT_S: Final = 60.0


async def publish(settings: NatsSettings) -> None:
    """Put the events on AOC_EVENTS, as the normalizer."""
    events = [replace(EVENT, id=UUID(int=n), operation=one) for n, one in enumerate(OPERATIONS, 1)]
    async with opened(settings, "normalizer") as broker:
        await broker.connect()
        messages = [Outgoing(one.subject, one.body, one.headers()) for one in events]
        await publish_all(jetstream(broker), subjects.EVENTS_STREAM, messages)


def asked(port: int, path: str) -> str:
    """What the service answers; empty while it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


def until(port: int, path: str, words: str) -> str:
    """The answer, once it has these words in it; the last one when it never has."""
    deadline = time.monotonic() + _WAIT_S
    while words not in (answer := asked(port, path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


def say(line: str) -> None:
    """What the supervisor has to tell."""
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Run it."""
    name, directory = sys.argv[1], Path(sys.argv[2])
    data = DataDirectory(directory)
    local = servers(data)
    with data.held(), Supervisor(say, 3) as supervisor:
        list(supervisor.start(local.children))
        data.bring_in_order(local.endpoints)
        child = service(name, data, local.endpoints, {"AOC_COUNTER_NAMED": "2"})
        list(supervisor.start([child]))
        assert child.port is not None
        before = until(child.port, "/readyz", '"events"')
        asyncio.run(publish(data.nats_settings(local.endpoints, "normalizer")))
        shown = until(child.port, "/metrics", 'operation="others"')
        after = until(child.port, "/readyz", "operations")
        child.stop()
    sys.stdout.write(json.dumps({"before": before, "shown": shown, "after": after}))


if __name__ == "__main__":
    main()
