"""What an event costs the gateway when many look on: read once for all of them, or once for each.

`python bench/live_tail.py [--readers 200] [--events 200] [--json]`

CPU of this process. Both ways begin with a message as it comes from the bus, and end with the bytes that are sent.
*Shared*: one consumer and one view for all who see the same (`aoc_api.tail`); each reader compares its query with it.
*Own*: a consumer for each reader, which parses, views and compares for itself; what the bus spends on sending each
message as many times is not in it. Each reader has a query of its own; one of ten matches.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway import an_event  # type: ignore[import-not-found]  # beside this file

from aoc_api.tail import frames
from aoc_api.tail.places import Places
from aoc_api.tail.views import View, _shown
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.publications import Position
from aoc_common.contracts.query import grammar
from aoc_common.contracts.query.matching import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aoc_common.contracts.query.filters import Clause

    type Raw = tuple[str, dict[str, str], bytes, int]


def messages(count: int) -> list[Raw]:
    """Messages as they come."""
    found = []
    for number in range(count):
        event = an_event(number, datetime.now(UTC))
        ocsf = event.ocsf | {"api": {"operation": event.operation}, "status_id": 1, "time": event.time_ms}
        body = json.dumps(ocsf | {"unmapped": event.unmapped, "raw_data": event.raw}).encode()
        made = EventMessage(
            event.id, event.tenant, event.source, 6003, event.operation, 1, None, None, None, body, service="exchange"
        )
        found.append((made.subject, made.headers(), body, number + 1))
    return found


def shared(raws: Sequence[Raw], queries: Sequence[tuple[Clause, ...]], places: Places) -> int:
    """Frames that were sent, with one view for all."""
    sent = 0
    for raw in raws:
        view, place = _view(raw), places.seal(Position("20261101T000000.000000Z", raw[3]))
        sent += sum(_frame(view, place, where) is not None for where in queries)
    return sent


def own(raws: Sequence[Raw], queries: Sequence[tuple[Clause, ...]], places: Places) -> int:
    """The same, with a view for each."""
    sent = 0
    for where in queries:
        for raw in raws:
            place = places.seal(Position("20261101T000000.000000Z", raw[3]))
            sent += _frame(_view(raw), place, where) is not None
    return sent


def _view(raw: Raw) -> View:
    (view,) = _shown([EventMessage.from_message(*raw)])
    if view is None:
        raise AssertionError("nothing is hidden here")
    return view


def _frame(view: View, place: str, where: tuple[Clause, ...]) -> bytes | None:
    return frames.event(place, view.text) if matches(where, view.facts) else None


def _timed(way: Callable[..., int], *what: Any) -> tuple[float, int]:
    began = time.process_time()
    sent = way(*what)
    return time.process_time() - began, sent


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    raws, places = messages(asked.events), Places(b"a key of the bench's own")
    queries = [
        grammar.parse("service:exchange" if number % 10 == 0 else f"nobody{number}") for number in range(asked.readers)
    ]
    found: dict[str, float] = {}
    for name, way in (("shared", shared), ("own", own)):
        seconds, sent = _timed(way, raws, queries, places)
        if sent != asked.events * len(queries) // 10:
            raise AssertionError(f"{name}: {sent} frames")
        found[f"{name}_ms_per_event"] = round(1000 * seconds / asked.events, 3)
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:>22}: {value}")


if __name__ == "__main__":
    main()
