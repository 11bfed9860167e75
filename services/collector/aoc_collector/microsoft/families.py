"""API families of Microsoft: what shares a host, a rate limit, a way to be cut into slices, and a retention.

Sources: graph-docs, throttling-limits.md and throttling-entra-logs-reports.md; entra-docs,
reference-reports-data-retention.md; office-365-management-activity-api-reference.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal

from aoc_collector.microsoft.remote import remote
from aoc_collector.slices import Slicing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_collector.settings import CollectorSettings, Rate, SliceLimits
    from aoc_common import http
    from aoc_common.tenants.clouds import Hosts

type FamilyName = Literal[
    "graph_audit", "graph_intune", "graph_security", "graph_risk", "graph_directory", "management"
]

#: The Management API lists content of 7 days (AF20030 beyond). A margin for clocks that differ, and for the time that
#: requests take.
LISTED_FOR: Final = timedelta(days=7) - timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Family:
    """APIs that Microsoft limits together.

    - `name`: label in metrics, part of the name of a limit that collectors share, and of the settings of the rate.
    - `host`: which of a tenant's addresses it is at, and which of the cloud's names a token is asked for.
    - `rate`: requests of one app in one tenant, of all collectors together.
    - `slicing`: how its sources are cut into slices.
    - `retention`: how long Microsoft keeps its records; None where that is not known.
    - `remote`: how its errors are read, which of them mean throttling, and where its requests are counted.
    """

    name: FamilyName
    host: Callable[[Hosts], str]
    rate: Rate
    slicing: Slicing
    retention: timedelta | None
    remote: http.Remote


def families(settings: CollectorSettings) -> Mapping[FamilyName, Family]:
    """All families, by name."""
    graph = _slicing(settings, settings.graph, settings.graph.fetches_per_record)
    # Listing blobs again costs no records: re-scans need not be chosen with care.
    management = _slicing(settings, settings.management, None)
    audit_retention = timedelta(days=settings.graph.retention_days)
    table: tuple[tuple[FamilyName, Callable[[Hosts], str], Slicing, timedelta | None], ...] = (
        ("graph_audit", attrgetter("graph"), graph, audit_retention),
        ("graph_intune", attrgetter("graph"), graph, None),
        ("graph_security", attrgetter("graph"), graph, None),
        ("graph_risk", attrgetter("graph"), graph, None),
        ("graph_directory", attrgetter("graph"), graph, None),
        ("management", attrgetter("management"), management, LISTED_FOR),
    )
    return {
        name: Family(name, host, settings.rates.of(name), slicing, retention, remote(name))
        for name, host, slicing, retention in table
    }


def _slicing(settings: CollectorSettings, limits: SliceLimits, fetches_per_record: float | None) -> Slicing:
    return Slicing(
        lookback=timedelta(seconds=settings.lookback_s),
        overlap=timedelta(seconds=limits.overlap_s),
        max_slice=timedelta(seconds=limits.max_slice_s),
        settle_delay=timedelta(seconds=settings.settle_delay_s),
        interval=timedelta(seconds=settings.poll_interval_s),
        live_window=timedelta(seconds=settings.live_window_s),
        rescan_age=timedelta(seconds=limits.rescan_s),
        fetches_per_record=fetches_per_record,
    )
