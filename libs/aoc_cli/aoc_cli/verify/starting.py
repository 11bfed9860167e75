"""Starts the processes of a run: servers, the simulator with its faults, and services, one or several of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aoc_cli.local import simulator
from aoc_cli.local.ports import free_port
from aoc_cli.local.servers import servers, service
from aoc_cli.verify import stored
from aoc_cli.verify.clocks import launcher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aoc_cli.local.process import Child
    from aoc_cli.local.stack import DataDirectory, Endpoints
    from aoc_cli.local.supervisor import Supervisor
    from aoc_cli.verify.alerting import Alerting
    from aoc_cli.verify.fault_kinds import Setup
    from aoc_cli.verify.options import Options
    from aoc_cli.verify.sinks import Sinks

#: Blobs on a page of a listing where there are few records, and from how many records on they are many.
_FEW: Final = 10
_MANY: Final = 5000
#: A run should take seconds: long slices, no settle delay, and late records that come within seconds.
_EAGER: Final = {
    "AOC_POLL_INTERVAL_S": "6",
    "AOC_SETTLE_DELAY_S": "0",
    "AOC_GRAPH__MAX_SLICE_S": "14400",
    # Late records are found by the next slice, and not when they are hours old.
    "AOC_GRAPH__OVERLAP_S": "900",
    "AOC_WORKERS": "16",
    "AOC_BACKLOG_WORKERS": "16",
    "AOC_PUT_OFF_S": "5",
}
#: Young records of each tenant: what changes or comes late is young, and a run may be at night.
_FRESH: Final = 12
#: A small run gets as many twins and near-twins as thousands of records otherwise have.
_DENSE: Final = {"AOC_SIM__TWINS": "0.9", "AOC_SIM__NEAR_TWINS": "0.7"}
#: Each rule of retention occurs.
_RETENTION: Final = {
    "AOC_RETENTION__DAYS": str(stored.DAYS),
    "AOC_RETENTION__BY_TENANT": json.dumps(dict(stored.DAYS_BY_TENANT)),
    "AOC_RETENTION__BY_SOURCE": json.dumps(dict(stored.DAYS_BY_SOURCE)),
}


@dataclass(slots=True)
class Starter:
    """Starts what a run is of. `children`: what was started, by name. `report` gets a line for each of them."""

    options: Options
    setup: Setup
    sinks: Sinks
    alerting: Alerting
    clocks: Path
    report: Callable[[str], None]
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, data: DataDirectory, supervisor: Supervisor) -> Endpoints:
        """Start all; where they listen. Raises `AocError` for what does not come up."""
        local = servers(data, max_payload=self.setup.max_payload)
        port = free_port()
        self._up(supervisor, [*local.children, simulator.simulator(data, port, self._simulating())])
        data.bring_in_order(local.endpoints, declared=self.setup.bus)
        collecting = {
            **simulator.collector_settings(data, port, self.setup.host),
            **_EAGER,
            **self.setup.collector,
        }
        named: dict[str, Mapping[str, str]] = {
            "normalizer": {**_RETENTION, **self.setup.normalizer},
            "collector": collecting,
        }
        if self.options.sinks:
            named["exporter"] = self.sinks.exporter_settings(port)
        if self.alerting.on:
            named["alerter"] = self.alerting.settings(collecting)
        replicas = range(1, self.options.replicas + 1)
        self._up(
            supervisor,
            [
                self._service(name, data, local.endpoints, env, number)
                for name, env in named.items()
                for number in replicas
            ],
        )
        self.report("collecting")
        return replace(local.endpoints, simulator=port)

    def stop(self, *groups: str) -> None:
        """Stop all whose names begin like these, one after the other."""
        for name, child in self.children.items():
            if name.startswith(groups):
                child.stop()

    def _simulating(self) -> Mapping[str, str]:
        options = self.options
        return {
            "AOC_SIM__EVENTS": str(options.events),
            "AOC_SIM__SEED": str(options.seed),
            "AOC_SIM__LIVE_RATE": "0",
            "AOC_SIM__FRESH": str(_FRESH),
            # Few records make few blobs: their lists are to have several pages all the same.
            "AOC_SIM__PAGES__ACTIVITY_LISTING": str(_FEW if options.events < _MANY else 50),
            "AOC_SIM__FAULTS_PROFILE": "chaos" if options.chaos else "quick" if options.quick else "verify",
            **(_DENSE if options.quick else {}),
            **self.setup.simulator,
            **self.sinks.receiver_settings(),
        }

    def _service(
        self, name: str, data: DataDirectory, endpoints: Endpoints, env: Mapping[str, str], number: int
    ) -> Child:
        runs = launcher(self.clocks, name) if self.setup.clocks else ()
        return service(name, data, endpoints, {**env, **self.setup.services}, replica=number, launcher=runs)

    def _up(self, supervisor: Supervisor, children: list[Child]) -> None:
        for child in supervisor.start(children):
            self.children[child.name] = child
            self.report(f"started {child.name}")
