"""What a token must claim to open something here.

Sources: entra-docs, access-token-claims-reference.md (claims, versions, overage of groups),
optional-claims-reference.md (`idtyp`), claims-validation.md; RFC 9068, section 4; OpenID Connect Core 3.1.3.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aoc_api.access.tokens.identity import Identity, IdentityKind, RefusedToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_api.entra.origins import Version

type Claims = Mapping[str, Any]

#: Seconds by which clocks may differ.
LEEWAY_S: Final = 60.0
#: Roles and groups of a token; Entra writes at most 200 groups.
_MOST: Final = 1000
_LONGEST: Final = 256
_OVERAGE: Final = (
    "The token leaves out which groups you are in, since there are too many; so your rights cannot be told. Have the "
    "registration emit no groups, or only those assigned to the application: docs/howto/sign-in.md."
)


@dataclass(frozen=True, slots=True)
class Expected:
    """Our own application: its id, how tokens of version 1 may name it beside, and the scope of its API."""

    client_id: str
    application_uri: str
    scope: str

    def audiences(self, version: Version) -> frozenset[str]:
        """What `aud` may be. A token of version 2 always names the client id."""
        return frozenset({self.client_id} if version == "2.0" else {self.client_id, self.application_uri})


def version_of(claims: Claims) -> Version:
    """The version that a token says it has. Raises `RefusedToken`."""
    version = claims.get("ver")
    if version == "1.0":
        return "1.0"
    if version == "2.0":
        return "2.0"
    raise RefusedToken("version")


def directory_of(claims: Claims) -> str:
    """The directory that a token says it is of. Raises `RefusedToken` for what is no GUID as Entra writes it."""
    return _guid(claims, "tid")


def check_audience(claims: Claims, version: Version, expected: Expected) -> None:
    """Raise `RefusedToken` unless the token was made for our application, and for no other."""
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience not in expected.audiences(version):
        advice = f"The access token is for another application. Ask for one with the scope {_scope(expected)}."
        raise RefusedToken("audience", advice)


def check_time(claims: Claims, now: datetime) -> datetime:
    """When the token ends. Raises `RefusedToken` outside of its time."""
    begins, ends, made = (_moment(claims, name) for name in ("nbf", "exp", "iat"))
    present = now.timestamp()
    if present >= ends + LEEWAY_S:
        raise RefusedToken("expired", "The access token has expired. Get a new one.")
    if max(begins, made) > present + LEEWAY_S:
        raise RefusedToken("not-yet", "The access token is not valid yet. Check the clocks of both machines.")
    return datetime.fromtimestamp(ends, UTC)


def caller(claims: Claims, expected: Expected, ends: datetime) -> Identity:
    """Who calls the API with an access token. Raises `RefusedToken` for any other token."""
    return _identity(claims, _kind(claims, expected), ends)


def signed_in(claims: Claims, nonce: str, ends: datetime) -> Identity:
    """Who signed in, of an ID token. `nonce`: of the sign-in. Raises `RefusedToken`."""
    shown = claims.get("nonce")
    if not isinstance(shown, str) or not compare_digest(shown.encode(), nonce.encode()):
        raise RefusedToken("nonce", "The sign-in belongs to another browser. Begin again.")
    if "scp" in claims or claims.get("idtyp", "user") != "user":
        raise RefusedToken("not-an-id-token")
    return _identity(claims, "person", ends)


def _kind(claims: Claims, expected: Expected) -> IdentityKind:
    """A person's token has our scope, an application's says that it is one; an ID token has neither.

    An application could be told by the lack of `scp` too, but so could an ID token: hence the optional claim `idtyp`.
    """
    scopes, kind = claims.get("scp"), claims.get("idtyp")
    if scopes is None and kind == "app":
        return "application"
    if scopes is None:
        advice = (
            f"This is no access token of an API: a person's has the scope {_scope(expected)}, an application's the "
            "optional claim idtyp (docs/howto/sign-in.md). An ID token is not one."
        )
        raise RefusedToken("no-api-token", advice)
    if kind not in (None, "user") or not isinstance(scopes, str):
        raise RefusedToken("claims")
    if expected.scope not in scopes.split(" "):
        raise RefusedToken("scope", f"The access token lacks the scope {_scope(expected)}.", "insufficient-scope")
    return "person"


def _identity(claims: Claims, kind: IdentityKind, ends: datetime) -> Identity:
    _check_overage(claims)
    return Identity(
        kind,
        directory_of(claims),
        _guid(claims, "oid"),
        _name(claims, kind),
        _texts(claims, "roles"),
        tuple(group for group in _texts(claims, "groups") if _is_guid(group)),
        ends,
    )


def _check_overage(claims: Claims) -> None:
    """Raise `RefusedToken` when Entra left groups or roles out, in either way that it says so."""
    elsewhere = claims.get("_claim_names", {})
    left_out = not isinstance(elsewhere, dict) or bool(elsewhere.keys() & {"groups", "roles"})
    if left_out or claims.get("hasgroups", False) is not False:
        raise RefusedToken("group-overage", _OVERAGE, "forbidden")


def _scope(expected: Expected) -> str:
    return f"{expected.application_uri}/{expected.scope}"


def _guid(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not _is_guid(value):
        raise RefusedToken("claims")
    return value


def _is_guid(text: str) -> bool:
    """Whether it is a GUID, spelt as Entra spells it."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _moment(claims: Claims, name: str) -> float:
    value = claims.get(name)
    # A bool is an int to Python, and no time.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RefusedToken("claims")
    if not 0 <= value < datetime.max.replace(tzinfo=UTC).timestamp():
        raise RefusedToken("claims")
    return value


def _texts(claims: Claims, name: str) -> tuple[str, ...]:
    values = claims.get(name, [])
    if not isinstance(values, list) or len(values) > _MOST:
        raise RefusedToken("claims")
    if not all(isinstance(value, str) and len(value) <= _LONGEST for value in values):
        raise RefusedToken("claims")
    return tuple(values)


def _name(claims: Claims, kind: IdentityKind) -> str:
    """What to call somebody: for people's eyes only, since people can change it. Without what a terminal would obey."""
    names = ("preferred_username", "upn", "name") if kind == "person" else ("app_displayname", "azp", "appid")
    shown = (value for name in (*names, "oid") if isinstance(value := claims.get(name), str) and value)
    return "".join(letter for letter in next(shown)[:_LONGEST] if letter.isprintable())
