"""Messages by apprise, which runs in processes of its own (`apprise_process`): made when needed, ended when not."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from aoc_alerter.notifying.destination import AppriseOptions
    from aoc_alerter.notifying.message import Message
    from aoc_common.clock import Clock

#: At a time. Destinations that did not answer last have one less: whoever hangs holds up none that answers.
_MOST: Final = 2
#: For a message, its process's start included. A process that takes longer is killed. Seconds.
_PATIENCE_S: Final = 25.0
#: One that nobody has needed for so long ends. Seconds.
_IDLE_S: Final = 60.0
_LEAVE_S: Final = 2.0
#: Messages of which some recipients have one, by which it is known who: a route.
_MOST_PARTLY: Final = 100
#: Bytes of an answer.
_LONGEST: Final = 64 * 1024
#: What it is told of where it runs: nothing of AOC's own settings, in which secrets are.
_INHERITED: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)


@dataclass(slots=True)
class _Idle:
    process: Process
    since: float


class AppriseProcesses:
    """Sends by at most so many processes. `networks`: that may be reached although they are private."""

    def __init__(self, networks: tuple[str, ...], home: str, clock: Clock, patience_s: float = _PATIENCE_S) -> None:
        self._networks = networks
        self._home = home
        self._clock = clock
        self._patience_s = patience_s
        self._places = asyncio.Semaphore(_MOST)
        self._places_of_silent = asyncio.Semaphore(_MOST - 1)
        self._idle: list[_Idle] = []

    async def send(self, url: str, message: Message, had: set[str], *, silent: bool = False) -> None:
        """Send one message. `had`: recipients who have it, none of whom is told again; whoever takes it is added.

        `silent`: this destination did not answer last.

        Raises `Unreachable`, `Unusable`, and `RefusedWhole` for what will never be taken.
        """
        request = {
            "url": url, "title": message.title, "body": message.body, "severity": message.severity,
            "about": message.about, "over": message.over, "had": sorted(had), "allowed_networks": self._networks,
            "home": self._home,
        }  # fmt: skip
        async with self._places_of_silent if silent else nullcontext(), self._places:
            answer = await self._asked(orjson.dumps(request) + b"\n")
        had.update(answer["taken"])
        words = f"apprise: {answer['words']}"
        match answer["kind"]:
            case "sent":
                return
            case "refused":
                raise RefusedWhole(words)
            case "unusable":
                raise Unusable(words)
            case _:
                raise Unreachable(words)

    async def end_idle(self) -> None:
        """End those that nobody has needed for a while."""
        before = self._clock.monotonic() - _IDLE_S
        old = [one for one in self._idle if one.since < before]
        self._idle = [one for one in self._idle if one.since >= before]
        for one in old:
            await _end(one.process)

    async def close(self) -> None:
        """End all. No call follows."""
        idle, self._idle = self._idle, []
        for one in idle:
            await _end(one.process)

    async def _asked(self, line: bytes) -> dict[str, Any]:
        process = self._idle.pop().process if self._idle else await self._started()
        whole = False
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await _exchanged(process, line)
            whole = True
        except TimeoutError:
            raise Unreachable(f"apprise: no answer within {self._patience_s:g} s") from None
        finally:
            if whole:
                self._idle.append(_Idle(process, self._clock.monotonic()))
            else:
                await _end(process, kill=True)
        return answer

    async def _started(self) -> Process:
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aoc_alerter.notifying.apprise_process",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=_LONGEST,
                start_new_session=True,  # what stops us ends its stdin, and so it
            )  # fmt: skip
        except OSError as error:
            raise Unreachable(f"apprise: its process does not start: {error.strerror}") from None


async def _exchanged(process: Process, line: bytes) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise Unreachable("apprise: its process has no pipes")
    try:
        process.stdin.write(line)
        await process.stdin.drain()
        answer = await process.stdout.readuntil(b"\n")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Unreachable(f"apprise: its process has ended: {type(error).__name__}") from None
    made: dict[str, Any] = orjson.loads(answer)
    return made


async def _end(process: Process, *, kill: bool = False) -> None:
    """Let it end, or kill it; bounded."""
    if process.stdin is not None:
        process.stdin.close()
    if not kill:
        try:
            async with asyncio.timeout(_LEAVE_S):
                await process.wait()
        except TimeoutError:
            kill = True
    if kill and process.returncode is None:
        process.kill()
        await process.wait()


class ByApprise:
    """The destination of one route."""

    def __init__(self, options: AppriseOptions, processes: AppriseProcesses) -> None:
        self._url = options.url.get_secret_value()
        self._processes = processes
        self._silent = False
        self._had: dict[str, set[str]] = {}

    async def send(self, message: Message) -> bytes:
        """As the port says. Recipients of one address who have it are not told again, as long as this one lives."""
        silent, self._silent = self._silent, True
        had = self._had.pop(message.id, set())
        try:
            await self._processes.send(self._url, message, had, silent=silent)
        except Unreachable:
            self._remember(message.id, had)
            raise
        except (RefusedWhole, Unusable):
            self._silent = False
            raise
        self._silent = False
        return b""

    def _remember(self, message: str, had: set[str]) -> None:
        if had:
            self._had[message] = had
        if len(self._had) > _MOST_PARTLY:
            del self._had[next(iter(self._had))]

    async def close(self) -> None:
        """As the port says: the processes are shared."""
