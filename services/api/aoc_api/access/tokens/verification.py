"""Verifies access tokens of Microsoft Entra ID, and remembers those that were good."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cachetools import TLRUCache

from aoc_api.access.tokens.claims import (
    LEEWAY_S,
    caller,
    check_audience,
    check_time,
    directory_of,
    signed_in,
    version_of,
)
from aoc_api.access.tokens.identity import RefusedToken
from aoc_api.entra import jws
from aoc_api.entra.keys import AskedAlready, KeysUnavailable
from aoc_api.entra.origins import of_directory, origins

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from aoc_api.access.tokens.claims import Expected
    from aoc_api.access.tokens.identity import Identity
    from aoc_api.entra.discovery import Endpoints, SigningKey
    from aoc_api.entra.jws import Unverified
    from aoc_api.entra.keys import SigningKeys
    from aoc_api.entra.origins import Origin, Version
    from aoc_common.clock import Clock

type IsKnown = Callable[[str], Awaitable[bool]]
"""Whether tokens of a directory are taken: of a home tenant, or of a registered one."""

#: Tokens, and roles and groups of tokens, that are remembered at most: some ten megabytes.
REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was good, as long as its key is."""

    identity: Identity
    origin: Origin
    key: SigningKey

    @property
    def size(self) -> int:
        return 1 + len(self.identity.groups) + len(self.identity.app_roles)

    def until(self, _now: float) -> float:
        return self.identity.expires_at.timestamp() + LEEWAY_S


class AccessTokens:
    """Tokens of one cloud's directories, for one application."""

    def __init__(
        self,
        expected: Expected,
        authority: str,
        keys: SigningKeys[Origin],
        is_known: IsKnown,
        clock: Clock,
        remembered: int = REMEMBERED,
    ) -> None:
        self._expected = expected
        self._origins = origins(authority)
        self._keys = keys
        self._is_known = is_known
        self._clock = clock
        self._verified: TLRUCache[bytes, _Verified] = TLRUCache(
            remembered,
            ttu=lambda _, verified, now: verified.until(now),
            timer=lambda: clock.now().timestamp(),
            getsizeof=lambda verified: verified.size,
        )

    async def verify(self, text: str) -> Identity:
        """Who an access token speaks for. Raises `RefusedToken`, `KeysUnavailable`, `Transient` (the registry)."""
        if len(text) > jws.LONGEST:
            raise RefusedToken("too-large")
        # By hash: a token that is remembered could be stolen from memory, and used.
        digest = sha256(text.encode("utf-8", "surrogateescape")).digest()
        verified = self._verified.get(digest)
        if verified is None or await self._key(verified.origin, verified.key.kid) is not verified.key:
            verified = await self._verify(text)
            self._verified[digest] = verified
        if not await self._is_known(verified.identity.directory_id):
            raise RefusedToken("directory")
        return verified.identity

    async def verify_id_token(self, text: str, nonce: str) -> Identity:
        """Who signed in with a browser. Raises as `verify` does."""
        token = jws.read(text)
        version, _, _ = await self._signed(token)
        if version != "2.0":
            raise RefusedToken("version")
        return signed_in(token.claims, nonce, self._ends(token, version))

    async def endpoints(self) -> Endpoints:
        """Where persons sign in and out. Raises `KeysUnavailable`."""
        published = await self._keys.published(self._origins["2.0"])
        if published.endpoints is None:
            raise KeysUnavailable("keys: the metadata names no addresses")
        return published.endpoints

    async def _verify(self, text: str) -> _Verified:
        token = jws.read(text)
        version, origin, key = await self._signed(token)
        # Only from here on is the token Entra's own, and may a refusal say why.
        identity = caller(token.claims, self._expected, self._ends(token, version))
        return _Verified(identity, origin, key)

    async def _signed(self, token: Unverified) -> tuple[Version, Origin, SigningKey]:
        """Version, origin and key of a token whose signature is right. Raises `RefusedToken`, `KeysUnavailable`."""
        version, directory_id = version_of(token.claims), directory_of(token.claims)
        origin = self._origins[version]
        if token.claims.get("iss") != origin.issuer_of(directory_id):
            raise RefusedToken("issuer")
        # Before the key is looked for: strangers cannot make us ask.
        if not await self._is_known(directory_id):
            raise RefusedToken("directory")
        key = await self._key(origin, token.kid)
        if key is None:
            raise RefusedToken("unknown-key")
        if key.issuer is not None and of_directory(key.issuer, directory_id) != token.claims["iss"]:
            raise RefusedToken("key-of-another-issuer")
        jws.check_signature(token, key)
        return version, origin, key

    async def _key(self, origin: Origin, kid: str) -> SigningKey | None:
        try:
            return await self._keys.key(origin, kid)
        except AskedAlready:
            # Entra publishes a key long before it signs with it: a minute after a fetch, an unknown one is made up.
            return None

    def _ends(self, token: Unverified, version: Version) -> datetime:
        check_audience(token.claims, version, self._expected)
        return check_time(token.claims, self._clock.now())
