"""Mappers, one file a workload. `MAPPERS` is tried in order; the first that recognises a record takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.mappers import (
    alerts,
    diagnostics,
    directory,
    generic,
    graph_activity,
    hunting,
    intune,
    log_analytics,
    message_trace,
    provisioning,
    respelt,
    risk,
    signins,
    unified,
    wrapped,
)

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Mapper

MAPPERS: Final[tuple[Mapper, ...]] = (
    wrapped.MAPPER,
    unified.MAPPER,
    log_analytics.MAPPER,
    hunting.MAPPER,
    diagnostics.MAPPER,
    signins.MAPPER,
    directory.MAPPER,
    intune.MAPPER,
    alerts.MAPPER,
    risk.MAPPER,
    message_trace.MAPPER,
    provisioning.MAPPER,
    graph_activity.MAPPER,
    respelt.MAPPER,
)
GENERIC: Final[Mapper] = generic.MAPPER


def recognise(record: dict[str, Any]) -> Mapper:
    """The mapper of a record, by the record's shape."""
    for mapper in MAPPERS:
        if mapper.recognises(record):
            return mapper
    return GENERIC
