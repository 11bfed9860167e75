"""Signatures of webhooks by Standard Webhooks, made and verified. Pure.

Signed is `{id}.{timestamp}.{body}` with HMAC-SHA256. A message that is sent again has the id that it had.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError, BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PREFIX: Final = "whsec_"
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
#: How far from now, in seconds, the time of a message may be.
TOLERANCE_S: Final = 300
_IDENTITY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_TIME: Final = re.compile(r"[0-9]{1,12}")
#: Signatures of a message that are looked at: by the new secret and by the one before.
_MOST_SIGNATURES: Final = 10


class BadSignature(AocError):  # noqa: N818  # named after what it reports
    """A message does not prove whose it is. Says why, for the log."""


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
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": _signature(key, identity, str(at), content),
    }


def verified(keys: Sequence[bytes], headers: Mapping[str, str], content: bytes, now: int) -> str:
    """The id of a message that one of these keys has signed within five minutes of now. Raises `BadSignature`.

    Whether that id was seen before is the caller's to know.
    """
    identity, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if _IDENTITY.fullmatch(identity) is None:
        raise BadSignature("webhook-id is missing, or is none")
    if _TIME.fullmatch(at) is None:
        raise BadSignature("webhook-timestamp is missing, or is none")
    if abs(now - int(at)) > TOLERANCE_S:
        raise BadSignature(f"webhook-timestamp is more than {TOLERANCE_S} s from now")
    given = headers.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
    made = [_signature(key, identity, at, content) for key in keys]
    # All are compared, whichever fits: how long it takes says nothing.
    fits = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in made for theirs in given]
    if not any(fits):
        raise BadSignature("webhook-signature is of none of the secrets")
    return identity


def _signature(key: bytes, identity: str, at: str, content: bytes) -> str:
    digest = hmac.digest(key, f"{identity}.{at}.".encode() + content, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
