"""The body of a webhook. Its signature is by Standard Webhooks (`aoc_common.outbound.signatures`). Pure.

The id is made of what is in the message, so a message that is sent again has the id that it had.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aoc_exporter.framing.members import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.item import Item


def message_id(items: Sequence[Item]) -> str:
    """Of one item its key, of several a hash of their keys."""
    if len(items) == 1:
        return items[0].key
    return "batch-" + hashlib.sha256("\n".join(item.key for item in items).encode()).hexdigest()[:32]


def body(items: Sequence[Item], sent_at: str) -> bytes:
    """`{"type": "aoc.entries", "timestamp": ..., "data": [...]}`: each entry with its identity in `aoc`."""
    return b"".join((
        b'{"type":"aoc.entries","timestamp":"', sent_at.encode(), b'","data":[', b",".join(map(document, items)), b"]}",
    ))  # fmt: skip
