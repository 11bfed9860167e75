"""Events in, alerts out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aoc_alerter import metrics
from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.errors import Transient
from aoc_common.telemetry import logs
from aoc_rules.correlation.groups import Counted
from aoc_rules.finding import Finder
from aoc_rules.grouping import Found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import timedelta

    from aoc_common.bus.events import Handle
    from aoc_common.clock import Clock
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.tenants.records import TenantRecord
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.correlations import Correlations
    from aoc_rules.evaluation.completing import Completed
    from aoc_rules.finding import PendingFirstUse
    from aoc_rules.library import Library

_log = logs.get(__name__)


def make_handler(  # what alerting is made of
    library: Callable[[], Library],
    tenants: Callable[[], Awaitable[Mapping[str, KnownTenant]]],
    records: Callable[[], Awaitable[Mapping[str, TenantRecord]]],
    decide: Callable[[Sequence[Found | Counted | PendingFirstUse]], Awaitable[Sequence[Found | Counted]]],
    correlate: Callable[[Correlations, Sequence[Counted]], Awaitable[Sequence[Completed]]],
    raise_alerts: Callable[[Sequence[Found]], Awaitable[None]],
    publish: Callable[[], Awaitable[None]],
    clock: Clock,
    old_after: timedelta,
) -> Handle:
    """The handler of events. What matches nothing costs no request to anybody."""

    async def handle(events: Sequence[EventMessage]) -> None:
        living = _living(events, await records())
        rules = library()
        finder = Finder(rules, await tenants(), clock.now() - old_after)
        began = time.perf_counter()
        matched = [one for event in living for one in finder.found(event)]
        metrics.MATCH_SECONDS.observe(time.perf_counter() - began)
        metrics.EVENTS.inc(len(living))
        metrics.SHORTENED.inc(sum(event.truncated for event in living))
        told = await decide(matched) if matched else ()
        found = [one for one in told if isinstance(one, Found)]
        if counted := [one for one in told if isinstance(one, Counted)]:
            found += [event for one in await correlate(rules.correlations, counted) for event in one.found]
        if found:
            await raise_alerts(found)
            await _at_once(publish)

    return handle


async def _at_once(publish: Callable[[], Awaitable[None]]) -> None:
    """Publish what is new; what cannot be published now waits in the store, where it is looked for all the time."""
    try:
        await publish()
    except Transient as error:
        _log.warning("alerts.unpublished", error=str(error))


def _living(events: Sequence[EventMessage], records: Mapping[str, TenantRecord]) -> Sequence[EventMessage]:
    """Events without those of tenants that are deleted."""
    living = [event for event in events if not _is_gone(event, records.get(event.tenant))]
    metrics.OF_DELETED.inc(len(events) - len(living))
    return living


def _is_gone(event: EventMessage, record: TenantRecord | None) -> bool:
    if record is None or record.state == "active":
        return False
    # What is imported under the name of a tenant that was deleted before is a case of its own.
    return record.state == "deleting" or event.source != IMPORT_SOURCE
