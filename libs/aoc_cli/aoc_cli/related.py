"""What `aoc show --related` adds: events that share something with the one that is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from aoc_cli.listing import printer
from aoc_cli.terminal import out
from aoc_common.contracts import ids
from aoc_common.contracts.access import Scope
from aoc_common.contracts.printable import visible
from aoc_common.contracts.related import shared
from aoc_common.contracts.rows import Row
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.event import StoredEvent
    from aoc_common.store.searches import EventSearch

#: How long before and after the event others may have happened, and how many of a reason are shown.
_AROUND: Final = timedelta(days=1)
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Related:
    """Events that share one thing with another event. `more`: there are more of the same time."""

    reason: str
    values: Sequence[str]
    events: Sequence[StoredEvent]
    more: bool

    def json(self) -> dict[str, Any]:
        """As `aoc show --json` has it; events as `aoc search --json` prints them."""
        events = [Row.of_stored(event).json() for event in self.events]
        return {"reason": self.reason, "values": list(self.values), "events": events, "more": self.more}


async def related(search: EventSearch, tenant: str, event: StoredEvent) -> list[Related]:
    """Events of a day before and after one that share its actor, address, session, correlation id or target."""
    start = max(event.time, ids.EPOCH + _AROUND) - _AROUND
    end = ids.just_after(event.time + _AROUND) if ids.LAST - event.time > _AROUND else ids.LAST
    query = EventQuery(Scope(tenant), start=start, end=end, limit=_MOST + 1)
    found = []
    for one in shared(event):
        page = await search.search(replace(query, where=(one.where,)))
        others = [other for other in page.events if other.id != event.id]
        found.append(Related(one.reason, one.values, others[:_MOST], page.more or len(others) > _MOST))
    return found


def print_related(groups: Sequence[Related]) -> None:
    """Print them, reason by reason."""
    for group in groups:
        names = ", ".join(group.values)
        out.print(Text(visible(f"\nsame {group.reason}: {names}"), "dim"))
        if not group.events:
            out.print(Text("  no other event within a day", "dim"))
            continue
        printer(as_json=False, as_csv=False, fields=None).show([Row.of_stored(event) for event in group.events])
        if group.more:
            out.print(Text(f"  and more: aoc search has all that tell of this {group.reason}", "dim"))
