"""Signatures of webhooks by Standard Webhooks. Pure.

Signed is `{id}.{timestamp}.{body}` with HMAC-SHA256. A message that is sent again has the id that it had.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def signed(key: bytes, identity: str, at: int, content: bytes) -> Mapping[str, str]:
    """The three headers. `at`: seconds since 1970."""
    digest = hmac.digest(key, f"{identity}.{at}.".encode() + content, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
