"""A browser signs in at the identity provider: authorization code with PKCE (RFC 7636, RFC 9700 section 2.1.1).

What a sign-in must remember until the browser comes back (state, nonce, verifier, where to go on) lies in a signed
cookie of that browser, not in the store: strangers who begin sign-ins cost nothing. The cookie binds the answer to the
browser that asked (no forged sign-in), lasts ten minutes, and is dropped when it is used; a code is good once.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeTimedSerializer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.store.sessions import SignedIn

#: Seconds in which a person has to sign in.
LASTS_S: Final = 600
_SALT: Final = "aoc sign-in"
_HOME: Final = "/"
_LONGEST: Final = 2000
#: A path of ours. `//host` and `/\host` are other sites' to a browser, and control characters vanish from addresses.
_PATH: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


class SignInFailed(Exception):  # noqa: N818  # what happened to the person
    """A sign-in came to nothing. `reason`: a word for the log; the text is for the person."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class IdentityProvider(Protocol):
    """Where persons sign in. Both may raise `Transient` while it is away."""

    async def authorization_endpoint(self) -> str:
        """Where a browser is sent."""
        ...

    async def redeem(self, code: str, verifier: str, redirect_uri: str, nonce: str) -> SignedIn:
        """Whom a code was issued for. Raises `SignInFailed` for a code, or tokens, that are not as they must be."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the cookie that it must bring back."""

    url: str
    cookie: str = field(repr=False)


class SignIn:
    """Sign-ins of browsers at one provider. `key`: signs cookies; the same at all replicas."""

    def __init__(self, provider: IdentityProvider, client_id: str, scope: str, key: bytes) -> None:
        self._provider = provider
        self._client_id = client_id
        self._scope = scope
        self._cookies = URLSafeTimedSerializer(
            key, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )

    async def begin(self, return_to: str | None, redirect_uri: str) -> Begun:
        """Begin a sign-in, after which the browser goes on to `return_to`. Raises `Transient`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "client_id": self._client_id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": redirect_uri,
            "scope": self._scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = f"{await self._provider.authorization_endpoint()}?{urlencode(asked)}"
        pending = {"state": state, "nonce": nonce, "verifier": verifier, "return_to": local_path(return_to)}
        return Begun(url, self._cookies.dumps(pending))

    async def finish(
        self, cookies: Sequence[str], answer: Mapping[str, str], redirect_uri: str
    ) -> tuple[SignedIn, str]:
        """Who signed in, and where the browser goes on. `cookies`: all that the browser has of that name.

        Raises `SignInFailed`, `Transient`.
        """
        if not cookies:
            raise SignInFailed("no-cookie", "This browser did not begin a sign-in here, or finished it already.")
        if len(cookies) > 1:
            raise SignInFailed("several-cookies", "Another page has set a cookie of this gateway.")
        try:
            pending = self._cookies.loads(cookies[0], max_age=LASTS_S)
        except BadData:
            raise SignInFailed("bad-cookie", "The sign-in took too long, or was changed on its way.") from None
        if not compare_digest(pending["state"].encode(), answer.get("state", "").encode()):
            raise SignInFailed("state", "The answer belongs to another sign-in.")
        if "error" in answer:
            raise SignInFailed("provider", "The identity provider did not sign you in.")
        code = answer.get("code", "")
        if not code:
            raise SignInFailed("no-code", "The identity provider's answer holds no code.")
        person = await self._provider.redeem(code, pending["verifier"], redirect_uri, pending["nonce"])
        return person, pending["return_to"]


def challenge(verifier: str) -> str:
    """What the provider is shown of a verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def local_path(wanted: str | None) -> str:
    """The path of ours that is wanted, or the first page for anything else."""
    if wanted is None or len(wanted) > _LONGEST or not _PATH.fullmatch(wanted) or wanted.startswith("/auth/"):
        return _HOME
    return wanted
