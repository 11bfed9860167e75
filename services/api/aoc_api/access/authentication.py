"""Who sends a request: the one place that every request passes, and that nothing turns off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from aoc_api import problems
from aoc_api.access.presented import presented
from aoc_api.access.principal import Principal
from aoc_api.access.sessions import forgery

if TYPE_CHECKING:
    from fastapi import Request

    from aoc_api.access.keys.verification import KeyVerification
    from aoc_api.access.presented import Presented
    from aoc_api.access.sessions.verification import Sessions
    from aoc_api.rates.throttle import Throttle
    from aoc_common.store.sessions import SignedIn

type Authenticate = Callable[[Request], Awaitable[Principal]]
"""Who sends a request. Raises a problem when that cannot be told; `Transient` when the store is away."""

type VerifyToken = Callable[[str], Awaitable[Principal]]
"""The principal of an access token. Raises a problem, `Transient`."""

type PrincipalOf = Callable[[SignedIn], Awaitable[Principal]]
"""A person who signed in, with what that person may do now."""


async def no_tokens(_: str) -> Principal:
    """`VerifyToken` of a gateway without an identity provider."""
    raise problems.unauthenticated("This gateway takes no access tokens: it has no identity provider.", "token-untaken")


class Authentication:
    """A bearer token, an API key, or the cookie of a session; exactly one of them."""

    def __init__(
        self,
        keys: KeyVerification,
        sessions: Sessions,
        verify_token: VerifyToken,
        principal_of: PrincipalOf,
        throttle: Throttle,
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._verify_token = verify_token
        self._principal_of = principal_of
        self._throttle = throttle

    async def __call__(self, request: Request) -> Principal:
        """Who sent a request. Raises a problem when that cannot be told; `Transient` when the store is away."""
        address = request.client.host if request.client else ""
        shown = presented(request)
        if shown is None:
            await self._throttle.stranger(address)
            raise problems.unauthenticated()
        return await self._throttle.vetted(address, shown.secret, partial(self._principal, request, shown))

    async def reauthenticate(self, request: Request) -> Principal:
        """Who has sent a request that is answered still. It is no new use of a session. Raises as `__call__`."""
        shown = presented(request)
        if shown is None:
            raise problems.unauthenticated()
        return await self._principal(request, shown, used=False)

    async def _principal(self, request: Request, shown: Presented, *, used: bool = True) -> Principal:
        if shown.means == "api-key":
            return await self._keys.principal(shown.secret)
        if shown.means == "token":
            return await self._verify_token(shown.secret)
        session = await self._sessions.verified(shown.secret, used=used)
        forgery.check(request, shown.secret)
        return await self._principal_of(session.person)
