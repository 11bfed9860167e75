"""A licence as a JWT (RFC 7519) that is signed with Ed25519 (`EdDSA`, RFC 8037).

Claims: `plan`, `max_tenants`, `exp`, and where wanted `features`, `sub` (whose it is), `jti` (its number), `iat`,
`nbf`. The header's `kid` is the key's thumbprint (RFC 7638). Nothing in a licence is taken as an address, a path or an
algorithm to use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aoc_common.contracts.report_keys import thumbprint
from aoc_common.errors import BadConfiguration
from aoc_common.validation import first_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

#: Characters of a licence. It is small; what is larger is none.
LONGEST: Final = 8_192
_ALGORITHM: Final = "EdDSA"
#: The last moment that a date can name everywhere: 9999-12-31.
_LAST: Final = 253_402_300_799


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    plan: str = Field(min_length=1, max_length=100)
    max_tenants: int = Field(ge=1, le=1_000_000)
    exp: int = Field(ge=0, le=_LAST)
    features: list[str] = Field(default_factory=list, max_length=100)
    sub: str = Field("", max_length=200)
    jti: str = Field("", max_length=100)
    iat: int = Field(0, ge=0, le=_LAST)
    nbf: int = Field(0, ge=0, le=_LAST)


@dataclass(frozen=True, slots=True)
class Licence:
    """What a licence grants. `kid`: of the key that signed it. `holder`: whose it is, to be shown."""

    plan: str
    max_tenants: int
    starts_at: datetime
    ends_at: datetime
    features: tuple[str, ...] = ()
    holder: str = ""
    number: str = ""
    kid: str = ""


def read(token: str, trusted: Mapping[str, Ed25519PublicKey]) -> Licence:
    """The licence that a token is, whether or not it has ended. `trusted`: kid -> public key.

    Raises `BadConfiguration`, whose message says what is wrong and holds nothing of the token.
    """
    if len(token) > LONGEST:
        raise BadConfiguration(f"the licence has more than {LONGEST} characters")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadConfiguration("the licence is no signed token (JWT)") from None
    if header.get("alg") != _ALGORITHM:
        raise BadConfiguration(f"the licence is not signed with {_ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str) or (key := trusted.get(kid)) is None:
        raise BadConfiguration(
            "the licence is signed with a key that is not trusted here: AOC_LICENSE_TRUST names the issuer's public key"
        )
    try:
        # When it ends is judged later, by a clock that was not set back: an ended licence is still one.
        found = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
        claims = _Claims.model_validate(found)
    except ValidationError as error:
        field, wrong = first_fault(error)
        raise BadConfiguration(f"the licence's {field}: {wrong}") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadConfiguration("the licence's signature does not hold") from None
    return Licence(
        claims.plan,
        claims.max_tenants,
        _moment(max(claims.nbf, claims.iat)),
        _moment(claims.exp),
        tuple(claims.features),
        claims.sub,
        claims.jti,
        kid,
    )


def issue(
    key: Ed25519PrivateKey,
    *,
    plan: str,
    max_tenants: int,
    ends_at: datetime,
    now: datetime,
    holder: str = "",
    features: tuple[str, ...] = (),
) -> str:
    """A licence that starts now. Raises `BadConfiguration` for one that `read` would refuse."""
    claims: dict[str, Any] = {
        "plan": plan,
        "max_tenants": max_tenants,
        "features": list(features),
        "sub": holder,
        "jti": str(uuid4()),
        "iat": int(now.timestamp()),
        "exp": int(ends_at.timestamp()),
    }
    public = key.public_key()
    kid = kid_of(public)
    token = jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": kid})
    read(token, {kid: public})
    return token


def kid_of(key: Ed25519PublicKey) -> str:
    """The id of a public key."""
    return thumbprint(key.public_bytes_raw())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
