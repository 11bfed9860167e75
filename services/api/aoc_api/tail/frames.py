"""What is sent: blocks of Server-Sent Events (WHATWG HTML, 9.2).

A block without `data:` moves on the id that a client will resume with, and shows it nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.reading import Reason

type Ending = Literal["too-slow", "not-allowed", "restarting", "bus-away", "store-away"]
"""Why the gateway ends a live tail."""

#: Milliseconds after which a browser comes again.
_RETRY_MS: Final = 3_000
_ENDINGS: Final[Mapping[Ending, str]] = {
    "too-slow": "More came than you have read. Resume with the last id; what came meanwhile is sent first.",
    "not-allowed": "You are signed out, or may not see this tenant any more.",
    "restarting": "The gateway stops. Resume with the last id.",
    "bus-away": "No events come, since the bus is away. Resume with the last id.",
    "store-away": "Whether you may see this cannot be told, since the database is away. Resume with the last id.",
}


def begun(place: str) -> bytes:
    """The first block."""
    return f"retry: {_RETRY_MS}\nid: {place}\n\n".encode()


def event(place: str, text: str) -> bytes:
    """An event. `text`: JSON in one line."""
    return f"id: {place}\ndata: {text}\n\n".encode()


def alive(place: str) -> bytes:
    """Nothing that matches has come."""
    return f": alive\nid: {place}\n\n".encode()


def gap(place: str, reason: Reason) -> bytes:
    """Before the next event some may be missing, which neither stream nor store has any more."""
    body = {
        "reason": reason,
        "detail": "Events that came before this are not in the stream any more, and not all of them in the store: "
        "retention, or pages that are still in work. /api/events has all that there is.",
    }
    return b"event: gap\nid: %s\ndata: %s\n\n" % (place.encode(), orjson.dumps(body))


def end(place: str, reason: Ending) -> bytes:
    """The last block."""
    body = {"reason": reason, "detail": _ENDINGS[reason]}
    return b"event: end\nid: %s\ndata: %s\n\n" % (place.encode(), orjson.dumps(body))
