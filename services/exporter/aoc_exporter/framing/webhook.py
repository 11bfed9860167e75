"""The body of a webhook and its signature by Standard Webhooks. Pure.

Signed is `{id}.{timestamp}.{body}` with HMAC-SHA256. The id is made of what is in the message, so a message that is
sent again has the id that it had.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration
from aoc_exporter.framing.members import document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_exporter.item import Item

_PREFIX: Final = "whsec_"
_SHORTEST_KEY, _LONGEST_KEY = 24, 64


def key_of(secret: str) -> bytes:
    """The key in a secret, `whsec_` and base64. Raises `BadConfiguration` for what is none, without repeating it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadConfiguration("the secret of a webhook has to be whsec_ and base64") from None
    if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        raise BadConfiguration(f"the secret of a webhook has to hold {_SHORTEST_KEY} to {_LONGEST_KEY} bytes")
    return key


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


def signed(key: bytes, identity: str, at: int, content: bytes) -> Mapping[str, str]:
    """The three headers. `at`: seconds since 1970."""
    digest = hmac.digest(key, f"{identity}.{at}.".encode() + content, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
