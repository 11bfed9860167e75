"""Alerts about what was missing are closed when it comes after all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aoc_alerter import metrics
from aoc_common.contracts.alert import ALERTER, AlertNote, Person
from aoc_common.contracts.alert_changes import AlertChange, NotesFull, changed
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.errors import Unreachable
from aoc_common.store.alerts import AlertWrite

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.alert import Alert
    from aoc_common.store.alerts import AlertStore

_MACHINE: Final = Person(ALERTER, "AOC")
_TOLD: Final = "What this alert says was missing has come after all, late."
_TRIES: Final = 20


async def close(alerts: AlertStore, ids: Collection[UUID], clock: Clock) -> None:
    """Resolve those of these alerts that are open, with a note. Idempotent. Raises `Transient`."""
    waiting = set(ids)
    for _ in range(_TRIES):
        stored = await alerts.of(waiting)
        opened = [one for one in stored.values() if one.alert.open]
        writes = []
        for one in opened:
            after = _closed(one.alert, clock)
            writes.append(AlertWrite(after, one, AlertMessage.of(after)))
        done = await alerts.write(writes) if writes else frozenset()
        metrics.CLOSED.inc(len(done))
        waiting = {one.alert.id for one in opened} - done
        if not waiting:
            return
    raise Unreachable("alerts: others change the same alerts all the time")


def _closed(alert: Alert, clock: Clock) -> Alert:
    now = clock.now()
    note = AlertNote(f"late-{alert.revision}", now, _MACHINE, _TOLD)
    change = AlertChange("resolved", verdict="disregard", note=note)
    try:
        return changed(alert, change, _MACHINE, now)
    except NotesFull:
        return changed(alert, replace(change, note=None), _MACHINE, now)
