"""Whether services run and work gets done: the lag of every consumer and the heartbeat of every instance."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_collector.findings import Finding, Grade
from aoc_common.bus.broker import connected_broker, connection
from aoc_common.bus.lag import bus_state
from aoc_common.clock import SystemClock
from aoc_common.errors import AocError, Unreachable
from aoc_common.service.standstill import InstanceState
from aoc_common.service.standstill_monitor import SURE_S, confirmed_standstills

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faststream.nats import NatsBroker

    from aoc_cli.attach import System
    from aoc_common.service.standstill import Assessment, ServiceState

_WHERE: Final = "system"
_PATIENCE_S: Final = 10.0


async def check(system: System) -> list[Finding]:
    """Check the services. Empty when the bus is away, which another check reports."""
    try:
        async with connected_broker(system.nats, "cli") as broker:
            return await _looked(broker)
    except AocError:
        return []


async def _looked(broker: NatsBroker) -> list[Finding]:
    try:
        async with asyncio.timeout(_PATIENCE_S + SURE_S):
            return list(of_services(await confirmed_standstills(partial(bus_state, connection(broker)), SystemClock())))
    except (Unreachable, TimeoutError) as error:
        fix = "Allow this user $JS.API.CONSUMER.LIST.* and $JS.API.DIRECT.GET.AOC_BEATS, or look as one who may"
        return [Finding(_WHERE, "services", Grade.FAIL, f"not known: {error or 'no answer'}", fix)]


def of_services(state: Assessment) -> Iterator[Finding]:
    """A finding for each service, and one for each standstill."""
    for standstill in state.standstills:
        yield Finding(_WHERE, standstill.service or "services", Grade.FAIL, standstill.message, standstill.fix)
    troubled = {standstill.service for standstill in state.standstills}
    for service in state.services:
        if service.name not in troubled and (service.instances or service.lag):
            yield Finding(_WHERE, service.name, Grade.OK, _in_words(service, state))


def _in_words(service: ServiceState, state: Assessment) -> str:
    """How many instances run, since when, and their lag."""
    running = service.running
    who = "none runs"
    if running:
        since = min(instance.started for instance in running)
        versions = ", ".join(sorted({instance.version for instance in running if instance.version}))
        who = f"{len(running)} running since {since:%Y-%m-%dT%H:%M:%SZ} ({versions})"
    elif not any(instance.life is InstanceState.LEFT for instance in service.instances):
        who = "no heartbeat, but work is taken"
    if not service.lags:
        return who
    waiting, in_work = sum(lag.waiting for lag in service.lags), sum(lag.in_work for lag in service.lags)
    redelivered = sum(lag.redelivered for lag in service.lags)
    parts = [who, f"{waiting:,} messages wait", f"{in_work:,} in work"] + (
        [f"{redelivered:,} given again"] if redelivered else []
    )
    if service.lag and service.oldest:
        parts.append(f"the oldest for {(state.at - service.oldest).total_seconds():.0f} s")
    if service.settled_at:
        parts.append(f"last settled {(state.at - service.settled_at).total_seconds():.0f} s ago")
    return "; ".join(parts)
