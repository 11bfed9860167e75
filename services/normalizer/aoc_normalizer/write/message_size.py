"""Events that are larger than a message may be travel in a shorter form; the whole is in MongoDB. Pure.

A shorter form (`contracts.shorter_events`) has the same subject and headers and one header more, `Aoc-Truncated: 1`.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from aoc_common.bus.publish import Outgoing
from aoc_common.contracts.event_message import TRUNCATED_HEADER
from aoc_common.contracts.shorter_events import shorter_forms
from aoc_common.errors import TooLarge

#: On every message whose body is not the whole event.
HEADER: Final = TRUNCATED_HEADER


def fit(message: Outgoing, limit: int) -> Outgoing:
    """`message` itself, or the longest of its shorter forms that `limit` bytes hold, headers included.

    Raises `TooLarge` when even the shortest does not fit: the limit is a mistake then.
    """
    if message.size <= limit:
        return message
    event: dict[str, Any] = orjson.loads(message.body)
    headers = {**message.headers, HEADER: "1"}
    for shorter in shorter_forms(event, len(message.body)):
        made = Outgoing(message.subject, orjson.dumps(shorter), headers)
        if made.size <= limit:
            return made
    raise TooLarge(f"{message.subject}: {limit} bytes hold no event at all")
