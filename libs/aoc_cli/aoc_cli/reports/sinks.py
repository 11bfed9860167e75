"""Prints what the sinks have delivered of a tenant."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from aoc_cli.reports.formatting import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.store.sink_deliveries import SinkDelivery

_COUNTS: Final = ("delivered", "refused", "filtered", "repeated", "late", "missing", "unaccounted")
_HEADINGS: Final = ("sink", "kind", "state", "delivered until (UTC)", *_COUNTS)
#: Columns on the left are text, the others are numbers.
_TEXTS: Final = 4


def show_sinks(deliveries: Sequence[SinkDelivery]) -> None:
    """Print a table of them; nothing where there are none."""
    if deliveries:
        table([_HEADINGS, *map(_row, deliveries)], _TEXTS)


def _row(delivery: SinkDelivery) -> tuple[str, ...]:
    until = delivery.delivered_until
    said = f"{until.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if until else "behind" if delivery.behind else "not known"
    counts = (f"{getattr(delivery, name):,}" for name in _COUNTS)
    return (delivery.sink, delivery.kind, delivery.state, said, *counts)
