"""Sinks of the exporter: until when each has delivered everything, how far it is behind, and what went wrong last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_collector.findings import Finding, Grade
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_states import MongoSinkStates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_cli.attach import System
    from aoc_common.contracts.sink_states import SinkState, Tally

#: A sink that works says so every second.
_SILENT: Final = timedelta(minutes=2)
#: Behind by so much, a sink is late; by so much, somebody has to look.
_LATE: Final = timedelta(minutes=5)
_FAR_BEHIND: Final = timedelta(hours=1)
#: How long an error that is over is shown.
_BACK: Final = timedelta(days=1)
_FIX: Final = "aoc sinks test {name} says what the destination answers, aoc sinks show {name} how each tenant fares"


async def check(system: System) -> list[Finding]:
    """A finding for each sink. Empty when the database is away, which another check reports."""
    try:
        async with connect(system.mongo) as database:
            accounts, now = MongoSinkAccounts(database), datetime.now(UTC)
            states = await MongoSinkStates(database).all()
            return [of_sink(state, (await accounts.of(state.name)).values(), now) for state in states]
    except AocError:
        return []


def of_sink(state: SinkState, tallies: Iterable[Tally], now: datetime) -> Finding:
    """How a sink fares. `tallies`: its account, by tenant."""
    name, health = state.name, state.health
    until = health.delivered_until
    said = [f"everything until {until:%Y-%m-%d %H:%M} UTC is delivered" if until else "not known yet what is delivered"]
    if health.waiting:
        said.append(f"{health.waiting:,} wait")
    if health.words:
        said.append(health.words)
    elif last := _last_error(tallies, now):
        said.append(f"last error, at {last.error_at:%H:%M}: {last.error}")
    grade = _grade(state, now)
    if health.life == "paused":
        said.insert(0, "is paused")
    elif now - state.seen_at > _SILENT:
        said.insert(0, f"no exporter runs it since {state.seen_at:%Y-%m-%d %H:%M} UTC")
    return Finding(
        "system", f"sink {name}", grade, "; ".join(said), "" if grade is Grade.OK else _FIX.format(name=name)
    )


def _grade(state: SinkState, now: datetime) -> Grade:
    health = state.health
    if health.life == "paused":
        return Grade.WARN
    behind = now - health.delivered_until if health.delivered_until and health.oldest_at else timedelta()
    if health.life == "broken" or now - state.seen_at > _SILENT or behind > _FAR_BEHIND:
        return Grade.FAIL
    return Grade.WARN if health.life == "failing" or behind > _LATE else Grade.OK


def _last_error(tallies: Iterable[Tally], now: datetime) -> Tally | None:
    recent = [tally for tally in tallies if tally.error_at is not None and tally.error_at > now - _BACK]
    return max(recent, key=lambda tally: tally.error_at or now, default=None)
