"""The connections of an import, kept across outages: it waits, says for what, takes over from a stack that stopped."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import stamina

from aoc_cli import attach
from aoc_cli.local import disk
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.limits import StreamLimit
from aoc_common.bus.streams import check_streams
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration, Permanent, Transient, Unreachable
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import Database, connect
from aoc_common.store.mongo.event_search import MongoEventSearch, make_event_search
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from nats.js import JetStreamContext


@dataclass(frozen=True, slots=True)
class Link:
    """One set of connections, and what an import asks through them."""

    js: JetStreamContext
    limit: StreamLimit
    database: Database
    ledger: MongoLedger
    quarantine: MongoQuarantine
    account: MongoAccount
    events: MongoEventSearch
    imports: MongoImports


class ResilientLink:
    """Asks the servers, whatever happens to them meanwhile.

    `take_over` starts the servers of a data directory whose stack has stopped; it raises `BadConfiguration` while
    somebody else holds the directory. `say` shows a person in one line what is waited for. `patience_s`: how long one
    question is asked again.
    """

    def __init__(
        self,
        system: attach.System,
        take_over: Callable[[Path], attach.System],
        say: Callable[[str], None],
        patience_s: float,
    ) -> None:
        self.patience_s = patience_s
        self.say = say
        self._system = system
        self._take_over = take_over
        self._link: Link | None = None
        self._open = AsyncExitStack()
        self._prepared = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._open.aclose()

    async def ask[T](self, what: str, do: Callable[[Link], Awaitable[T]]) -> T:
        """What `do` gives, asked again while it raises `Transient`. `what`: whom it asks, for people.

        Raises `Transient` when that was in vain for `patience_s`, `Permanent` at once.
        """
        failure: Transient | None = None
        try:
            async for attempt in stamina.retry_context(
                on=Transient, attempts=None, timeout=self.patience_s, wait_initial=0.25, wait_max=3.0, wait_jitter=0.25
            ):
                with attempt:
                    try:
                        answer = await do(await self._linked())
                    except Transient as error:
                        if failure is None:
                            self.say(f"waiting for {what}: {error}{self._disk()}")
                        failure = error
                        await self.look()
                        raise
        except Transient as error:
            reason = f"{what} was away for {self.patience_s:.0f} s: {error}{self._disk()}"
            raise Unreachable(reason) from error
        if failure is not None:
            self.say(f"{what} is there again")
        return answer

    async def look(self) -> None:
        """See to the servers: restart what died of our own, follow or take over a stack that stopped.

        Raises `Permanent` when nothing is left to go on with.
        """
        self._system.check()
        if self._system.owned or self._system.directory is None:
            return
        directory = self._system.directory
        endpoints = directory.running()
        if endpoints == self._system.endpoints:
            return
        if endpoints is not None:
            self.say("the stack was started anew; going on with it")
            await self._use(attach.of(directory, endpoints))
            return
        if not (directory.path / "nats").is_dir():
            raise Permanent(
                f"the stack in {directory.path} was a temporary one and has stopped: its data is gone, and with it "
                "what was imported. Import again with --data DIR to keep it"
            )
        try:
            system = self._take_over(directory.path)
        except BadConfiguration:
            return  # somebody holds it: a stack that stops, or starts
        self.say(f"the stack in {directory.path} has stopped; going on with servers of our own")
        await self._use(system)

    def _disk(self) -> str:
        directory = self._system.directory
        return disk.remark(directory.path) if directory is not None else ""

    async def _use(self, system: attach.System) -> None:
        self._system, self._link = system, None
        await self._open.aclose()

    async def _linked(self) -> Link:
        if self._link is None:
            async with AsyncExitStack() as opening:
                broker = await opening.enter_async_context(connected_broker(self._system.nats, "cli"))
                database = await opening.enter_async_context(connect(self._system.mongo))
                if not self._prepared:
                    await check_streams(jetstream(broker), self._system.nats, (subjects.RAW_STREAM,))
                    self._prepared = True
                self._link = Link(
                    jetstream(broker),
                    StreamLimit(broker, subjects.RAW_STREAM),
                    database,
                    MongoLedger(database),
                    MongoQuarantine(database),
                    MongoAccount(database),
                    make_event_search(database),
                    MongoImports(database),
                )
                self._open = opening.pop_all()
        return self._link
