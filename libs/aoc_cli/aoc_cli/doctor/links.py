"""Checks the links of twins among the newest events: every action must keep a first event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_collector.findings import Finding, Grade
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.twin_links import MongoTwinLinks

if TYPE_CHECKING:
    from aoc_cli.attach import System
    from aoc_common.store.mongo.twin_links import LinkReport

_WHERE: Final = "system"
#: Events that are looked at: the newest of two days. 20,000 take a second or two.
_NEWEST: Final = 20_000
_BACK: Final = timedelta(days=2)
_SHOWN: Final = 3


async def check(system: System) -> list[Finding]:
    """Check the links. Empty when the database is away, which another check reports."""
    try:
        async with connect(system.mongo) as database:
            now = datetime.now(UTC)
            return [of_links(await MongoTwinLinks(database).check(now, most=_NEWEST, since=now - _BACK))]
    except AocError:
        return []


def of_links(report: LinkReport) -> Finding:
    """Links that hide an action from readers who skip second events."""
    looked = f"{report.links:,} links of the newest {report.events:,} events"
    if not report.broken:
        return Finding(_WHERE, "twins", Grade.OK, f"{looked}: each leads to an event that stands for itself")
    shown = "; ".join(f"{link.tenant}/{link.second}: {link.fault} ({link.first})" for link in report.broken[:_SHOWN])
    fix = "Ask with twins=in until this is settled; aoc remap --all moves links that a killed remap left behind"
    return Finding(_WHERE, "twins", Grade.FAIL, f"{len(report.broken):,} of {looked} hide an action: {shown}", fix)
