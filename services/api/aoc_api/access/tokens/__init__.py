"""Who a bearer token of Microsoft Entra ID speaks for.

The interface, for whoever composes sign-in (`parts/tokens.py` wires it):

- `identity.Identity`: who a verified token speaks for: kind, directory, object, name, app roles, groups, expiry.
- `verification.AccessTokens.verify(token) -> Identity`. Raises `RefusedToken`; `KeysUnavailable` when there are none.
- `verification.AccessTokens.verify_id_token(token, nonce) -> Identity`: of a browser's sign-in, never of an API call.
- `verification.AccessTokens.endpoints() -> Endpoints`: where browsers sign in and out, and codes are redeemed.
- `grants.GrantsOf`: `(Identity) -> tuple[Grant, ...]`; `grants.AppRoleGrants` is one, of app roles; `grants.together`
  joins several. They are asked at each request, so that a grant that is taken away is gone at once.
- `bearer.BearerTokens(token) -> Principal`: both together. Raises a problem: 401 `unauthenticated`, 403 `forbidden`, or
  503 `not-now`.

`claims` decides what a token must claim; what is a token at all, who signs it, and with which keys, is
`aoc_api.entra`'s, which webhooks use too. ADR 0039 has the reasons.
"""
