"""Who may see how the gateway does: a monitoring system with a token of its own, or a reader of everything.

The token is compared without the store: what is monitored may be that the store is away.
"""

from __future__ import annotations

import asyncio
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from aoc_api import problems
from aoc_api.access.note import note_of
from aoc_common.contracts.access import includes
from aoc_common.errors import BadConfiguration, Transient
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from fastapi import Request

    from aoc_api.access.authentication import Authenticate

_SETTING: Final = "AOC_API__MONITORING_TOKEN"
_SHORTEST: Final = 32
#: Seconds.
_SOON_S: Final = 1.5


class Monitoring:
    """Decides about /metrics and about the details of /health. `token`: None lets only readers of everything in."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else f"Bearer {token}".encode()

    async def check(self, request: Request, authenticate: Authenticate) -> None:
        """Raise a problem for who may not; `Transient` when only the store knows and is away."""
        shown = request.headers.get("authorization", "").encode()
        if self._expected is not None and compare_digest(shown, self._expected):
            return
        note = note_of(request.scope)
        try:
            note.principal = await authenticate(request)
            role = note.principal.role_over_everything()
            if role is None or not includes(role, "reader"):
                raise problems.forbidden("You need the role reader over all tenants.")
        except problems.Problem:
            # Who shows nothing tries nothing: anybody may ask how the gateway does.
            note.credentials_refused = any(name in request.headers for name in ("authorization", "cookie"))
            raise

    async def permits(self, request: Request, authenticate: Authenticate) -> bool:
        """Whether who asks may see more than everybody; not for who cannot be told, soon, while the store is away."""
        try:
            async with asyncio.timeout(_SOON_S):
                await self.check(request, authenticate)
        except (problems.Problem, Transient, TimeoutError):
            return False
        return True


def monitoring_token(reference: str | None) -> str | None:
    """The token at a reference. Raises `BadConfiguration` when there is none, or it is too short."""
    if reference is None:
        return None
    token = resolve_secret(reference, _SETTING)
    if len(token) < _SHORTEST:
        raise BadConfiguration(f"{_SETTING}: the token has fewer than {_SHORTEST} characters")
    return token
