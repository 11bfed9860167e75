"""Authorization codes and refresh tokens: opaque, bounded in number and age; a code is good once."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_sim.clock import Clock
    from aoc_sim.provider.accounts import Account

_MOST: Final = 1000
_CODE_LASTS: Final = timedelta(minutes=10)
_REFRESH_LASTS: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a person has allowed. `challenge`: of PKCE, method S256; None where only a refresh is left of it."""

    account: Account
    scopes: tuple[str, ...]
    nonce: str | None = None
    redirect_uri: str | None = None
    challenge: str | None = None


class Grants:
    """Codes and refresh tokens that were issued."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, tuple[datetime, Authorization]] = {}
        self._redeemed: dict[str, None] = {}
        self._refreshes: dict[str, tuple[datetime, Authorization]] = {}

    def new_code(self, authorization: Authorization) -> str:
        """A code for what was allowed."""
        return self._put(self._codes, "1.", _CODE_LASTS, authorization)

    def new_refresh_token(self, authorization: Authorization) -> str:
        """A refresh token; good until it ends, however often it is used."""
        return self._put(self._refreshes, "0.", _REFRESH_LASTS, authorization)

    def take_code(self, code: str) -> Authorization | None:
        """What a code was issued for; it is used up. None for one that is unknown or too old."""
        found = self._codes.pop(code, None)
        if found is None or self._clock.now() >= found[0]:
            return None
        self._redeemed[code] = None
        _bound(self._redeemed)
        return found[1]

    def was_redeemed(self, code: str) -> bool:
        """Whether a code was used before."""
        return code in self._redeemed

    def refreshed(self, token: str) -> Authorization | None:
        """What a refresh token was issued for."""
        found = self._refreshes.get(token)
        return None if found is None or self._clock.now() >= found[0] else found[1]

    def _put(
        self,
        issued: dict[str, tuple[datetime, Authorization]],
        prefix: str,
        lasts: timedelta,
        authorization: Authorization,
    ) -> str:
        secret = prefix + secrets.token_urlsafe(48)
        issued[secret] = (self._clock.now() + lasts, authorization)
        _bound(issued)
        return secret


def challenge_of(verifier: str) -> str:
    """What PKCE (RFC 7636, 4.2) shows of a verifier."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _bound[T](issued: dict[str, T]) -> None:
    """Forget the oldest of more than are remembered."""
    while len(issued) > _MOST:
        del issued[next(iter(issued))]
