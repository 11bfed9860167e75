"""An alert as somebody sees it from whom some kinds of values are hidden.

What an alert shows of its events is hidden as it is in them. What people wrote is hidden as a whole: who wrote it may
have seen all of an event, and an alert does not have all that could stand in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.privacy.private_values import MARK
from aoc_common.contracts.privacy.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from aoc_common.contracts.alert import Alert, AlertEvent, FieldValue

#: No record has a field of this name.
_SHOWN: Final = "\0shown"


def redacted_alert(alert: Alert, fields: AbstractSet[str]) -> Alert:
    """The alert without private values of these kinds."""
    if not fields:
        return alert
    held = [*alert.group, *(one for event in alert.events for one in event.matched)]
    evidences = [dict(event.evidence) for event in alert.events if event.evidence is not None]
    shown = redacted(_event(alert, held, evidences), fields)
    values = _values(shown.unmapped.get(_SHOWN), held)
    kept = shown.ocsf.get("evidences")
    left = iter(kept if isinstance(kept, list) and len(kept) == len(evidences) else ())
    return replace(
        alert,
        group=tuple(replace(one, value=next(values)) for one in alert.group),
        events=tuple(_shown(event, values, left) for event in alert.events),
        notes=tuple(replace(note, text=MARK) for note in alert.notes),
    )


def _shown(event: AlertEvent, values: Iterator[str], evidences: Iterator[Any]) -> AlertEvent:
    matched = tuple(replace(one, value=next(values)) for one in event.matched)
    evidence = None if event.evidence is None else next(evidences, None)
    return replace(event, matched=matched, evidence=evidence)


def _values(found: Any, held: Sequence[FieldValue]) -> Iterator[str]:
    """What may be seen of each; the mark for all, where there were too many to look for."""
    if not isinstance(found, list) or len(found) != len(held):
        found = [{one.field: MARK} for one in held]
    for one in found:
        value = next(iter(one.values()), MARK) if isinstance(one, dict) else MARK
        yield value if isinstance(value, str) else MARK


def _event(alert: Alert, held: Sequence[FieldValue], evidences: list[dict[str, Any]]) -> StoredEvent:
    """An event that has of all events of an alert what the alert shows of them."""
    return StoredEvent(
        id=alert.id,
        tenant=alert.tenant,
        source="",
        time=alert.first_at,
        service="",
        operation="",
        result="unknown",
        actor=None,
        ip=None,
        correlation_id=None,
        tags=(),
        ocsf={"evidences": evidences},
        unmapped={_SHOWN: [{_name(one.field): one.value} for one in held]},
        raw=None,
        page="",
    )


def _name(field: str) -> str:
    """The last step of a rule's field, without modifiers: `ForwardTo` of `Parameters.ForwardTo|contains`."""
    return field.partition("|")[0].rpartition(".")[2] or field
