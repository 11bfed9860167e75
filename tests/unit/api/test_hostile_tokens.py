"""Whatever a token holds, it is read or refused: no other error, and never a right that was not written down."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_api.access.tokens.claims import (
    Expected,
    caller,
    check_audience,
    check_time,
    directory_of,
    signed_in,
    version_of,
)
from aoc_api.access.tokens.identity import RefusedToken
from aoc_api.entra import jws

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MADE = int(NOW.timestamp())
APP = Expected("22222222-3333-4444-8555-666666666666", "api://22222222-3333-4444-8555-666666666666", "access_as_user")
GOOD = {
    "aud": APP.client_id,
    "iss": "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0",
    "iat": MADE,
    "nbf": MADE,
    "exp": MADE + 3600,
    "tid": "11111111-2222-4333-8444-555555555555",
    "oid": "33333333-4444-4555-8666-777777777777",
    "ver": "2.0",
    "scp": "access_as_user",
    "roles": ["aoc.reader"],
    "groups": [],
    "name": "Dana",
}
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53), max_value=2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([*map(str, GOOD.values()), "app", "user", "groups"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*GOOD, "idtyp", "hasgroups", "_claim_names", "azp", "appid", "nonce", "preferred_username"])


def spelt(*parts: bytes) -> str:
    """A token of these parts."""
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def checked(claims):
    """Who a signed token of these claims would be taken for."""
    version = version_of(claims)
    directory_of(claims)
    check_audience(claims, version, APP)
    return caller(claims, APP, check_time(claims, NOW))


def test_the_claims_that_are_changed_here_are_good() -> None:
    assert checked(GOOD).app_roles == ("aoc.reader",)


@given(st.dictionaries(NAMES, ANYTHING, max_size=4), st.sets(NAMES, max_size=2))
@settings(max_examples=150, deadline=None)
def test_claims_of_any_shape_are_taken_or_refused_and_roles_are_those_that_stand_there(changes, missing) -> None:
    claims = {name: value for name, value in (GOOD | changes).items() if name not in missing}
    try:
        identity = checked(claims)
    except RefusedToken:
        return

    assert list(identity.app_roles) == claims.get("roles", [])
    assert identity.object_id == claims["oid"]
    assert identity.name.isprintable()
    assert ("scp" in claims and claims["scp"] is not None) == (identity.kind == "person")


@given(st.dictionaries(NAMES, ANYTHING, max_size=4))
@settings(max_examples=100, deadline=None)
def test_an_id_token_of_any_shape_is_taken_or_refused(changes) -> None:
    claims = {name: value for name, value in (GOOD | {"nonce": "n"} | changes).items() if name != "scp"}
    try:
        identity = signed_in(claims, "n", NOW)
    except RefusedToken:
        return

    assert (identity.kind, claims["nonce"]) == ("person", "n")


@given(st.text(max_size=200) | st.lists(st.binary(max_size=60), max_size=4).map(lambda parts: spelt(*parts)))
@settings(max_examples=150, deadline=None)
def test_text_of_any_kind_is_read_or_refused(text) -> None:
    with pytest.raises(RefusedToken):
        jws.read(text)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jwk", "crit", "cty"]), ANYTHING, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_header_of_any_shape_is_read_or_refused(header) -> None:
    whole = {"alg": "RS256", "kid": "k", "typ": "JWT"} | header
    try:
        token = jws.read(spelt(orjson.dumps(whole), orjson.dumps(GOOD), b"signature"))
    except RefusedToken:
        return

    assert (header.get("alg", "RS256"), token.kid) == ("RS256", header.get("kid", "k"))
    assert not header.keys() & {"jwk", "crit", "cty"}
