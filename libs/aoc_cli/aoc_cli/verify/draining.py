"""Waits until a run is over: all was made available, then collected, then settled, then in the account."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from nats.errors import Error as NatsError

from aoc_cli.pauses import pause_s
from aoc_cli.verify.bus_faults import settled
from aoc_cli.verify.evaluation import Evaluator
from aoc_common.bus.broker import jetstream
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration, Transient
from aoc_common.store.mongo.census import MongoCensus
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_cli.local.process import Child
    from aoc_cli.verify.chaos import Chaos
    from aoc_cli.verify.fault_kinds import Setup
    from aoc_cli.verify.links import Links
    from aoc_cli.verify.options import Options
    from aoc_cli.verify.sinks import Sinks

_POLL_S: Final = 0.5
_LONGEST_POLL_S: Final = 10.0
#: Share of stored records from which the pipeline counts as busy.
_WORK_STARTED_SHARE: Final = 0.05
#: After the last page has left AOC_RAW, seconds until what is still missing counts as lost; where the bus is struck,
#: pages that were lost on it are looked for first.
_GRACE_S: Final = 10.0
_SHORT_GRACE_S: Final = 5.0
_LONG_GRACE_S: Final = 60.0
#: While an account has slices of which pages are under way, or lost and fetched again: a busy machine takes minutes.
_UNSETTLED_GRACE_S: Final = 300.0
#: While content is listed and waits for its next try (`aoc_common.store.blob_retries`).
_PUT_OFF_GRACE_S: Final = 200.0
#: More than a collector lets a watermark be ahead (`aoc_common.store.clock_corrections.AHEAD`).
_SKEW: Final = timedelta(minutes=6)


@dataclass(slots=True)
class Draining:
    """Follows a run to its end, and kills on the way what is to be killed. `killed`: what was, in this order."""

    options: Options
    setup: Setup
    links: Links
    sinks: Sinks
    children: Mapping[str, Child]
    report: Callable[[str], None]
    killed: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raises `BadConfiguration` when there is no such service to kill."""
        for name in self.options.kill:
            if name not in self.children:
                raise BadConfiguration(f"--kill {name}: no such service; there are {', '.join(self.children)}")

    async def wait(self, chaos: Chaos, striking: asyncio.Task[None]) -> bool:
        """Wait until everything was made available, then collected, then settled. False on timeout."""
        deadline = time.monotonic() + self.options.timeout_s
        census, sources = MongoCensus(self.links.database), MongoSources(self.links.database)
        all_available: datetime | None = None
        last_page: int | None = None
        done_at: float | None = None
        while (began := time.monotonic()) < deadline:
            took = 0.0
            summary = (await self.links.simulator.get("/_truth", params={"summary": "1"})).json()
            # A simulator whose clock is ahead shows for a moment what is to come, and a collector waits after a step.
            if not summary["all_available"] or (self.setup.clocks and not striking.done()):
                all_available = None
            elif all_available is None:
                all_available = datetime.now(UTC)
            try:
                stored = await census.events()
                total = summary["total"] + summary["pending"]
                self._kill_next(stored, total)
                self.sinks.look(stored / max(total, 1))
                if stored >= total * _WORK_STARTED_SHARE:
                    chaos.busy.set()
                behind = await _behind(sources, all_available, summary)
                self.report(f"{stored:,} of {total:,} stored, {len(behind)} sources not at the end yet")
                if not behind and striking.done() and len(self.killed) == len(self.options.kill):
                    # Polling continues and publishes the overlap repeatedly; what counts is everything up to here.
                    if last_page is None:
                        info = await jetstream(self.links.operator).stream_info(subjects.RAW_STREAM)
                        last_page = info.state.last_seq
                    if await settled(self.links.operator, last_page):
                        done_at = done_at or time.monotonic()
                        if await self._is_over(stored, total, time.monotonic() - done_at):
                            return True
                took = time.monotonic() - began
            except (Transient, NatsError, TimeoutError) as error:
                self.report(f"asked in vain: {error}")
            await asyncio.sleep(pause_s(took, _POLL_S, _LONGEST_POLL_S))
        return False

    async def _is_over(self, stored: int, total: int, waited_s: float) -> bool:
        """Whether all is stored, published and in the account, or nobody will bring what is missing."""
        links = self.links
        evaluator = Evaluator(links)
        if stored >= total and len({message.event for message in links.recorder.messages}) >= stored:
            settled = await evaluator.accounts()
            if sum(account.stored for account in settled.values()) >= stored:
                return True
        if waited_s <= self._grace_s():
            return False
        accounts = await evaluator.current_accounts(datetime.now(UTC))
        if any(account.unsettled for account in accounts.values()) and waited_s <= _UNSETTLED_GRACE_S:
            return False
        # Content that failed some times is tried again after minutes; without a valid address, never.
        if waited_s > _PUT_OFF_GRACE_S or not any(account.blobs_waiting for account in accounts.values()):
            return True
        return not await evaluator.lacks_records()

    def _grace_s(self) -> float:
        """How long to wait for missing records after everything else is done, in seconds."""
        if {"streams", "consumers", "windows", "full", "clock"} & self.options.kinds:
            return _LONG_GRACE_S
        return _SHORT_GRACE_S if self.options.quick else _GRACE_S

    def _kill_next(self, stored: int, total: int) -> None:
        """Kill the next service of `kill` when its share of the work is done."""
        done = len(self.killed)
        if done < len(self.options.kill) and stored >= total * (done + 1) / (len(self.options.kill) + 2):
            name = self.options.kill[done]
            self.report(f"kill -9 {name}")
            self.children[name].kill()
            self.killed.append(name)


async def _behind(sources: MongoSources, moment: datetime | None, truth: dict[str, Any]) -> list[tuple[str, str]]:
    """The sources without a finished slice that ends after `moment` (None: all of them).

    A watermark in the future does not count: it comes from a wrong clock and will be corrected.
    """
    future = datetime.now(UTC) + _SKEW
    states = {(state.tenant, state.source): state.watermark for state in await sources.all_states(None)}
    expected = [(tenant, source) for tenant, names in truth["tenants"].items() for source in names]
    if moment is None:
        return expected
    return [key for key in expected if (mark := states.get(key)) is None or not moment < mark < future]
