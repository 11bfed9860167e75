"""Revisions of alerts as sinks are to have them: of what is stored, by what AOC_ALERTS had; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_cli.verify.sink_comparison import Published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_cli.verify.alert_recorder import RecordedAlert
    from aoc_common.contracts.alert import Alert


def revisions(alerts: Iterable[Alert]) -> set[str]:
    """The keys of all revisions of these alerts."""
    return {f"{alert.id}-{number}" for alert in alerts for number in range(1, alert.revision + 1)}


def published_alerts(messages: Iterable[RecordedAlert]) -> dict[str, Published]:
    """Key -> what AOC_ALERTS had of it."""
    found: dict[str, Published] = {}
    for message in messages:
        there = found.get(message.key, Published(frozenset(), frozenset(), 0, bare=True))
        found[message.key] = Published(there.fields | {message.fields}, frozenset(), there.times + 1, bare=True)
    return found
