"""Revisions of alerts as sinks are to have them: of what is stored, by what AOC_ALERTS had; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_cli.verify.sink_comparison import Published

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def gone(messages: Sequence[RecordedAlert]) -> set[str]:
    """Keys of what only incarnations of AOC_ALERTS had that were deleted: nobody has these revisions any more."""
    last = max((message.incarnation for message in messages), default=0)
    return {message.key for message in messages} - {message.key for message in messages if message.incarnation == last}
