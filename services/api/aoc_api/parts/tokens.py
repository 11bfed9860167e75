"""The verifier of access tokens."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_api.access.tokens.claims import Expected
from aoc_api.access.tokens.verification import AccessTokens
from aoc_api.entra import discovery
from aoc_api.entra.keys import SigningKeys
from aoc_common import http

if TYPE_CHECKING:
    import httpx

    from aoc_api.access.tokens.grants import TenantsOf
    from aoc_api.auth_settings import AuthOptions
    from aoc_common.clock import Clock
    from aoc_common.tenants.registry import TenantRegistry

#: Seconds for each piece of an answer; a request that needs keys waits for all of two answers.
_TIMEOUT_S: Final = 2.0


def make_client() -> http.Client:
    """A client for the sign-in service: answers of bounded size, no redirects."""
    return http.make_client(timeout_s=_TIMEOUT_S, connections=4, answer_bytes=discovery.ANSWER_BYTES)


def make_tokens(
    options: AuthOptions, client: httpx.AsyncClient, tenants_of: TenantsOf, clock: Clock
) -> AccessTokens | None:
    """The verifier; None when no tokens are taken. `client`: of `make_client`."""
    if options.client_id is None:
        return None
    home_tenants = frozenset(options.home_tenants)

    async def is_known(directory_id: str) -> bool:
        return directory_id in home_tenants or bool(await tenants_of(directory_id))

    expected = Expected(options.client_id, options.identifier_uri, options.scope)
    keys = SigningKeys(partial(discovery.fetch, client), clock)
    return AccessTokens(expected, options.sign_in_service, keys, is_known, clock)


def tenants_in(registry: TenantRegistry) -> TenantsOf:
    """The names of the tenants of a directory, as a registry has them."""

    async def tenants_of(directory_id: str) -> frozenset[str]:
        return frozenset(tenant.name for tenant in await registry.by_directory(directory_id))

    return tenants_of
