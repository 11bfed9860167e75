"""From a bearer token to a principal, or to the problem that its sender gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_api import problems
from aoc_api.access.principal import Principal
from aoc_api.access.tokens.identity import RefusedToken
from aoc_api.entra.keys import KeysUnavailable
from aoc_api.problems import Problem
from aoc_common.store.sessions import SignedIn

if TYPE_CHECKING:
    from aoc_api.access.tokens.grants import GrantsOf
    from aoc_api.access.tokens.verification import AccessTokens

_RETRY_AFTER_S: Final = 5


class BearerTokens:
    """Verifies a token, and asks at each request what its owner was granted."""

    def __init__(self, tokens: AccessTokens, grants_of: GrantsOf) -> None:
        self._tokens = tokens
        self._grants_of = grants_of

    async def __call__(self, token: str) -> Principal:
        """The principal of an access token. Raises a problem; `Transient` when tenants or grants cannot be read."""
        try:
            identity = await self._tokens.verify(token)
        except RefusedToken as refused:
            raise _problem(refused) from None
        except KeysUnavailable as error:
            raise Problem(
                "not-now",
                "The sign-in service does not answer, so no access token can be verified.",
                headers={"Retry-After": str(round(error.retry_after or _RETRY_AFTER_S))},
                reason="keys-away",
            ) from None
        grants = await self._grants_of(identity)
        directory = identity.directory_id
        person = SignedIn(identity.principal_id, identity.name, grants, directory, identity.app_roles, identity.groups)
        return Principal(identity.kind, identity.principal_id, identity.name, grants, directory, person)


def _problem(refused: RefusedToken) -> Problem:
    if refused.refusal == "forbidden":
        return Problem("forbidden", refused.advice, reason=refused.reason)
    if refused.refusal == "insufficient-scope":
        # RFC 6750, section 3.1: another token of the same person would do.
        challenge = {"WWW-Authenticate": 'Bearer realm="aoc", error="insufficient_scope"'}
        return Problem("forbidden", refused.advice, headers=challenge, reason=refused.reason)
    return problems.unauthenticated(refused.advice, refused.reason)
