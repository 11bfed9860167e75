"""Who may come in: tokens, keys, sessions, sign-in."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_api.access.authentication import Authentication, no_tokens
from aoc_api.access.keys.verification import KeyVerification
from aoc_api.access.last_used import WRITE_S
from aoc_api.access.monitoring import Monitoring, monitoring_token
from aoc_api.access.owners import OwnerPrincipals
from aoc_api.access.principal import Principal
from aoc_api.access.sessions.entra import Entra
from aoc_api.access.sessions.sign_in import SignIn
from aoc_api.access.sessions.verification import Sessions
from aoc_api.access.tokens.bearer import BearerTokens
from aoc_api.access.tokens.grants import AppRoleGrants, together
from aoc_api.access.tokens.identity import Identity
from aoc_api.parts.tokens import make_tokens, tenants_in
from aoc_common.errors import BadConfiguration, Transient
from aoc_common.gateway.sign_in import SignInWays
from aoc_common.service.tasks import Task
from aoc_common.settings import resolve_secret
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.sessions import MongoSessions, MongoSignInLinks
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from aoc_api.access.grants import Grants
    from aoc_api.access.tokens.grants import GrantsOf
    from aoc_api.access.tokens.verification import AccessTokens
    from aoc_api.rates.throttle import Throttle
    from aoc_api.settings import ApiOptions
    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.sessions import SignedIn
    from aoc_common.tenants.registry import TenantRegistry

_log = logs.get(__name__)
_CLIENT_SECRET: Final = "AOC_API__AUTH__CLIENT_SECRET"  # noqa: S105  # the setting's name


@dataclass(frozen=True, slots=True)
class Access:
    """What routes and the guard need, and the work that is done beside. `sign_in`: None without a provider.

    `owner_now`: who asked for what is done in the background, as what he may do now.
    """

    authenticate: Authentication
    owner_now: OwnerPrincipals
    key_verification: KeyVerification
    sessions: Sessions
    monitoring: Monitoring
    api_keys: MongoApiKeys
    links: MongoSignInLinks
    ways: SignInWays
    sign_in: SignIn | None
    tasks: tuple[Task, ...]


class MakeAccess:
    """Makes it, given what is connected. Raises `BadConfiguration` for a secret that is not there."""

    def __init__(self, options: ApiOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._monitoring_token = monitoring_token(options.monitoring_token)
        self._client_secret()
        reference = options.cursor_key
        key = secrets.token_hex(32) if reference is None else resolve_secret(reference, "AOC_API__CURSOR_KEY")
        self._cookie_key = key.encode()

    def __call__(
        self,
        database: Database,
        client: httpx.AsyncClient,
        registry: TenantRegistry,
        grants: Grants,
        throttle: Throttle,
    ) -> Access:
        """`client`: for the sign-in service."""
        api_keys = MongoApiKeys(database)
        keys = KeyVerification(api_keys, self._clock, grants.of_key, grants.meant)
        sessions = Sessions(MongoSessions(database), self._options.sessions, self._clock)
        home, tenants_of = frozenset(self._options.auth.home_tenants), tenants_in(registry)
        of_identity = together(AppRoleGrants(home, tenants_of), grants.of_identity)
        tokens = make_tokens(self._options.auth, client, tenants_of, self._clock)
        of_person = partial(_principal, of_identity, self._clock)
        ways = _ways(self._options)
        _log.info("sign_in.ways", ways=", ".join(ways.ways))
        return Access(
            authenticate=Authentication(
                keys,
                sessions,
                no_tokens if tokens is None else BearerTokens(tokens, of_identity),
                of_person,
                throttle,
            ),
            owner_now=OwnerPrincipals(api_keys, keys, of_person),
            key_verification=keys,
            sessions=sessions,
            monitoring=Monitoring(self._monitoring_token),
            api_keys=api_keys,
            links=MongoSignInLinks(database),
            ways=ways,
            sign_in=None if tokens is None else self._sign_in(tokens, client),
            tasks=(Task("api key use", WRITE_S, keys.used.write), Task("session use", WRITE_S, sessions.seen.write)),
        )

    def _sign_in(self, tokens: AccessTokens, client: httpx.AsyncClient) -> SignIn:
        client_id = self._options.auth.client_id or ""
        provider = Entra(tokens, client, client_id, self._client_secret)
        return SignIn(provider, client_id, "openid profile", self._cookie_key)

    def _client_secret(self) -> str | None:
        reference = self._options.auth.client_secret
        if reference is None:
            return None
        if self._options.auth.client_id is None:
            raise BadConfiguration(f"{_CLIENT_SECRET}: needs AOC_API__AUTH__CLIENT_ID")
        return resolve_secret(reference, _CLIENT_SECRET)


@asynccontextmanager
async def written_at_the_end(access: Access) -> AsyncIterator[None]:
    """Write what was noted of the use of keys and sessions on leaving, unless the store is away."""
    try:
        yield
    finally:
        for used in (access.key_verification.used, access.sessions.seen):
            with suppress(Transient):
                await used.write()


async def _principal(grants_of: GrantsOf, clock: Clock, person: SignedIn) -> Principal:
    """Somebody who signed in, with what was granted until now; whom a link signed in has what the link gave."""
    grants = person.grants
    if person.directory_id is not None:
        object_id = person.principal_id.removeprefix(f"{person.directory_id}/")
        of = (person.directory_id, object_id, person.name, person.app_roles, person.directory_groups)
        grants = await grants_of(Identity("person", *of, clock.now()))
    return Principal("person", person.principal_id, person.name, grants, person.directory_id, person)


def _ways(options: ApiOptions) -> SignInWays:
    auth = options.auth
    entra = auth.client_id is not None
    return SignInWays(
        auth_enabled=True,
        ways=[*(("microsoft",) if entra else ()), "link", "api-key"],
        login="/auth/login",
        authority=f"{auth.sign_in_service}/organizations" if entra else None,
        client_id=auth.client_id,
        scope=f"{auth.identifier_uri}/{auth.scope}" if entra else None,
    )
