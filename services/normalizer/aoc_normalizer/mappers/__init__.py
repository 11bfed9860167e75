"""Mappers, one file a workload. `MAPPERS` is tried in order; the first that recognises a record takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.mappers import azure_activity, generic, message_trace, sentinel
from aoc_normalizer.mappers.envelopes import cut_rows, diagnostics, hunting, log_analytics, respelt, tables, wrapped
from aoc_normalizer.mappers.graph import (
    activity,
    alerts,
    directory,
    intune,
    inventory,
    pim,
    provisioning,
    risk,
    role_requests,
    signins,
    standing,
)
from aoc_normalizer.mappers.unified import audit_log, inbox_rules

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Mapper

MAPPERS: Final[tuple[Mapper, ...]] = (
    wrapped.MAPPER,
    cut_rows.MAPPER,
    tables.MARKED,
    respelt.MISSPELT,
    audit_log.MAPPER,
    log_analytics.MAPPER,
    hunting.MAPPER,
    diagnostics.MAPPER,
    message_trace.MAPPER,
    # Before Graph's: a row has some of their names, with a text where they have an object.
    tables.MAPPER,
    signins.MAPPER,
    directory.MAPPER,
    intune.MAPPER,
    alerts.MAPPER,
    risk.MAPPER,
    pim.MAPPER,
    role_requests.MAPPER,
    provisioning.MAPPER,
    activity.MAPPER,
    azure_activity.MAPPER,
    sentinel.MAPPER,
    respelt.MAPPER,
    tables.FLATTENED,
    inventory.MAPPER,
    standing.MAPPER,
    inbox_rules.MAPPER,
)
GENERIC: Final[Mapper] = generic.MAPPER


def recognise(record: dict[str, Any]) -> Mapper:
    """The mapper of a record, by the record's shape."""
    for mapper in MAPPERS:
        if mapper.recognises(record):
            return mapper
    return GENERIC
