"""One verification run: a fresh directory, the simulator with its faults, real servers, real service processes."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import httpx

from aoc_cli.local.provisioning import declare_readers
from aoc_cli.local.stack import DataDirectory, Endpoints, refuse_servers
from aoc_cli.local.supervisor import Supervisor
from aoc_cli.verify.alerting import Alerting
from aoc_cli.verify.bus_faults import BusFaults
from aoc_cli.verify.chaos import Chaos, Strike, plan
from aoc_cli.verify.clocks import SIMULATOR, Clocks
from aoc_cli.verify.completeness_claims import CompletenessClaims
from aoc_cli.verify.draining import Draining
from aoc_cli.verify.evaluation import Evaluator, RunSummary
from aoc_cli.verify.fault_kinds import USUAL, setup
from aoc_cli.verify.links import linked
from aoc_cli.verify.process_control import ProcessControl
from aoc_cli.verify.sinks import Sinks
from aoc_cli.verify.starting import Starter
from aoc_common.errors import AocError, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aoc_cli.verify.comparison import RunResult
    from aoc_cli.verify.fault_kinds import Setup
    from aoc_cli.verify.links import Links
    from aoc_cli.verify.options import Options

_CHECK_S: Final = 0.2
#: Seconds between two readings of the completeness claims; in a quick run.
_CLAIMS_EVERY_S: Final = 5.0
_CLAIMS_OFTEN_S: Final = 0.5
#: Restarts of one process within a minute: after strikes, and after failures of a process it depends on.
_PATIENCE: Final = 3
_PATIENCE_IN_CHAOS: Final = 20
_READ_WITHIN_S: Final = 30.0


@dataclass(slots=True)
class Verification:
    """A run. `report` gets one line for each step; `show` gets the planned strikes before the run begins."""

    options: Options
    report: Callable[[str], None]
    directory: Path | None = None
    show: Callable[[Sequence[str]], None] = lambda _: None
    _setup: Setup = field(init=False)
    _sinks: Sinks = field(init=False)
    _alerting: Alerting = field(init=False)
    _started: Starter = field(init=False)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> RunResult:
        """Run and compare. Raises `AocError` when a server or service cannot be started."""
        refuse_servers("a verification fills and breaks those that it runs on")
        with ExitStack() as stack:
            path = self.directory or Path(stack.enter_context(TemporaryDirectory(prefix="aoc-verify-")))
            data = DataDirectory(path)
            stack.enter_context(data.held(self.report))
            patience = _PATIENCE_IN_CHAOS if self.options.chaos or self.options.kinds else _PATIENCE
            supervisor = stack.enter_context(Supervisor(self.report, patience, started=data.processes.add))
            calm = self.options.kinds <= USUAL and not (self.options.chaos or self.options.quick)
            self._setup = setup(self.options.kinds, calm=calm)
            self._sinks = Sinks(self.options.sinks, data, self.report, alerts=self.options.alerts)
            self._alerting = Alerting(self.report, on=self.options.alerts)
            self._started = Starter(
                self.options, self._setup, self._sinks, self._alerting, path / "clocks", self.report
            )
            endpoints = self._started.start(data, supervisor)
            return asyncio.run(self._follow(data, endpoints, supervisor))

    async def _follow(self, data: DataDirectory, endpoints: Endpoints, supervisor: Supervisor) -> RunResult:
        started = time.monotonic()
        claims = CompletenessClaims()
        async with linked(data, endpoints, self._setup.bus) as links:
            chaos = self._chaos(links, supervisor)
            self.show([str(strike) for strike in chaos.strikes])
            draining = Draining(self.options, self._setup, links, self._sinks, self._started.children, self.report)
            watching = [asyncio.create_task(recorder.run()) for recorder in links.recorders]
            try:
                drained = await self._drained(links, supervisor, chaos, claims, draining)
                seconds = time.monotonic() - started
                # Exporters write their account.
                await self._end(supervisor, "exporter")
                for recorder in links.recorders:
                    await recorder.caught_up(_READ_WITHIN_S)
            finally:
                for task in watching:
                    task.cancel()
            run = self._over(data, chaos, seconds, draining.killed, drained=drained)
            return await Evaluator(links).result(run, claims, self._sinks, self._alerting)

    def _chaos(self, links: Links, supervisor: Supervisor) -> Chaos:
        options, children = self.options, self._started.children
        victims = [name for name in children if name != SIMULATOR]
        processes = ProcessControl(children, supervisor)
        strikes: list[Strike] = plan(
            victims, options.seed, max(options.chaos, 1), options.kinds, all_=options.chaos > 0
        )
        bus_faults = BusFaults(
            links.operator,
            links.operator_settings,
            processes,
            links.recorders,
            options.seed,
            partial(declare_readers, links.operator, links.database),
        )
        clocks = Clocks(self._started.clocks, links.simulator)
        return Chaos(processes, bus_faults, clocks, strikes, options.seed, self.report)

    async def _drained(
        self, links: Links, supervisor: Supervisor, chaos: Chaos, claims: CompletenessClaims, draining: Draining
    ) -> bool:
        """Strike, and restart what dies, until all is done. Raises `ChildDied` when a process keeps dying."""
        draining.check()
        await self._sinks.begin(links.gateway, links.database)
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_restart_dead(supervisor))
                striking = group.create_task(chaos.run())
                listening = group.create_task(
                    _record_claims(links, claims, _CLAIMS_OFTEN_S if self.options.quick else _CLAIMS_EVERY_S)
                )
                drained = await draining.wait(chaos, striking)
                await self._alerting.read(links)
                striking.cancel()
                # Collectors would poll on, and timers of correlations find more: behind what sinks are waited for.
                await self._end(supervisor, "collector", "alerter")
                await self._sinks.delivered(links)
                listening.cancel()
                watching.cancel()
        except* AocError as errors:
            raise errors.exceptions[0] from None
        return drained

    async def _end(self, supervisor: Supervisor, *groups: str) -> None:
        """Stop all whose names begin like these, for good: they do what is left to do, and nobody starts them again."""
        supervisor.held.update(name for name in self._started.children if name.startswith(groups))
        await asyncio.to_thread(self._started.stop, *groups)

    def _over(
        self, data: DataDirectory, chaos: Chaos, seconds: float, killed: Sequence[str], *, drained: bool
    ) -> RunSummary:
        strikes = chaos.counts()
        ended = [*killed, *(strike.victim for strike in chaos.done if strike.deed in {"kill -9", "down"})]
        return RunSummary(
            directory=data,
            began=self._began,
            clocks_right=not self._setup.clocks,
            seed=self.options.seed,
            seconds=seconds,
            drained=drained,
            calm=not (self.options.chaos or self.options.kill) and all(strike.harmless for strike in chaos.done),
            plan=[str(strike) for strike in chaos.strikes],
            strikes=strikes,
            kills=len(killed) + strikes["kill -9"],
            exporter_killed=any(name.startswith("exporter") for name in ended),
            retention_s=self._setup.events_age_s,
        )


async def _restart_dead(supervisor: Supervisor) -> None:
    """Restart what dies. Raises `ChildDied` for what keeps dying."""
    while True:
        supervisor.check()
        await asyncio.sleep(_CHECK_S)


async def _record_claims(links: Links, claims: CompletenessClaims, every_s: float) -> None:
    """Record the completeness claims periodically, until cancelled."""
    evaluator = Evaluator(links)
    while True:
        try:
            accounts = await evaluator.current_accounts(datetime.now(UTC))
            claims.note(datetime.now(UTC), accounts.values())
        except (Transient, httpx.TransportError):
            pass  # no claims while the store is away
        await asyncio.sleep(every_s)
