"""The heartbeat of a service: `async with beating(broker, "normalizer", pulse):` and nothing else.

It is published by the event loop that does the work, so that a loop which does not turn has none. The stream keeps the
last beat of each instance, with the server's own time.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import asynccontextmanager
from importlib.metadata import version
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from aoc_common.bus.broker import LOST, connected, jetstream
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.beats import EVERY_S, Beat
from aoc_common.service import tasks
from aoc_common.service.tasks import Task
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from faststream.nats import NatsBroker

    from aoc_common.telemetry.pulse import Pulse

_log = logs.get(__name__)

#: Seconds for one beat to be taken, and for the last one.
_TIMEOUT_S: Final = 2.0
_LONGEST_HOST: Final = 40
_NOT_OF_A_TOKEN: Final = re.compile(r"[^A-Za-z0-9_-]+")


def instance_id() -> str:
    """This process: its host, its number there, and what tells it from an earlier one of the same number."""
    host = _NOT_OF_A_TOKEN.sub("-", socket.gethostname())[:_LONGEST_HOST] or "host"
    return f"{host}-{os.getpid()}-{token_hex(3)}"


@asynccontextmanager
async def beating(broker: NatsBroker, service: str, pulse: Pulse, every_s: float = EVERY_S) -> AsyncIterator[str]:
    """Beat until left; gives the instance's id. A bus that is away, or has no AOC_BEATS, ends nothing and is said once.

    The broker need not be connected yet. Leaving says that it was on purpose.
    """
    instance = instance_id()
    heart = _Heartbeat(broker, subjects.beat(service, instance), pulse)
    try:
        # Without jitter: who looks counts the seconds between two beats.
        async with tasks.running([Task("heartbeat", every_s, heart.beat, jitter=0)], SystemClock()):
            yield instance
    finally:
        await heart.beat(leaving=True)


class _Heartbeat:
    def __init__(self, broker: NatsBroker, subject: str, pulse: Pulse) -> None:
        self._broker = broker
        self._subject = subject
        self._pulse = pulse
        self._version = version("aoc-common")
        self._trouble = ""

    async def beat(self, *, leaving: bool = False) -> None:
        """Beat once. A beat that nobody takes is not kept: the next one says more."""
        if not connected(self._broker):
            return
        beat = Beat.of(self._version, self._pulse.running_s, self._pulse.work(), leaving=leaving)
        try:
            await jetstream(self._broker).publish(
                self._subject, beat.message(), timeout=_TIMEOUT_S, stream=subjects.BEATS_STREAM
            )
        except LOST as error:
            self._report(str(error) or type(error).__name__)
        else:
            self._report("")

    def _report(self, trouble: str) -> None:
        if trouble and not self._trouble:
            _log.warning("heartbeat.failed", error=trouble, remedy="aoc provision makes AOC_BEATS")
        elif self._trouble and not trouble:
            _log.info("heartbeat.regained")
        self._trouble = trouble
