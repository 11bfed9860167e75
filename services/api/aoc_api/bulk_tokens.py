"""Tokens that stand for a count: what somebody was told before a change of many things, and for what."""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Final

import orjson
from itsdangerous import BadSignature, URLSafeTimedSerializer

from aoc_api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds for which a count is good.
_GOOD_S: Final = 600
_SALT: Final = b"aoc bulk"
#: As many more, or fewer, may match than were counted: what arrives meanwhile. The larger of both.
_MORE: Final = 10
_SHARE: Final = 100


class BulkTokens:
    """Makes and reads them. `key`: the one that signs cursors."""

    def __init__(self, key: bytes) -> None:
        self._serializer = URLSafeTimedSerializer(
            key, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )

    def make(self, count: int, change: Mapping[str, object]) -> str:
        """The token of a count for a change; all that the change depends on is in `change`."""
        made = self._serializer.dumps([count, _digest(change)])
        return made if isinstance(made, str) else made.decode()

    def check(self, token: str, count: int, change: Mapping[str, object]) -> None:
        """Raise a problem unless the token is for this change, and about as many things as there are now."""
        try:
            counted, digest = self._serializer.loads(token, max_age=_GOOD_S)
        except BadSignature:
            raise Problem("bulk-changed", "The token was not made here, or is older than ten minutes.") from None
        if digest != _digest(change):
            raise Problem("bulk-changed", "The token is for another request.")
        if abs(count - counted) > max(_MORE, counted // _SHARE):
            raise Problem("bulk-changed", f"{counted} were counted, and {count} match now.")


def _digest(change: Mapping[str, object]) -> str:
    return blake2b(orjson.dumps(dict(change), option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
