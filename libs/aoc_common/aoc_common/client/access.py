"""Who one is, and who may do what: grants, API keys, sessions, break-glass."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.access import GrantList, GrantView, LiftList, LiftView
from aoc_common.gateway.sign_in import ApiKeys, ApiKeyView, Me, NewApiKey, Sessions, SignInWays

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.client.connection import Connection
    from aoc_common.gateway.access import GrantRequest, LiftRequest
    from aoc_common.gateway.sign_in import ApiKeyRequest


class Access:
    """Who may do what. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/me")
    async def me(self) -> Me:
        """Whom the gateway takes one for, and what one may do."""
        return await self._connection.ask(Me, "GET", "/api/me")

    @operation("GET", "/api/config/auth")
    async def ways(self) -> SignInWays:
        """How one can sign in. Nobody has to show anything for it."""
        return await self._connection.ask(SignInWays, "GET", "/api/config/auth")

    @operation("GET", "/api/grants")
    async def grants(self, *, after: str | None = None) -> GrantList:
        """A page of the grants that one may take back."""
        return await self._connection.ask(GrantList, "GET", "/api/grants", params={"after": after})

    async def all_grants(self) -> AsyncIterator[GrantView]:
        """All of them."""
        after = None
        while True:
            page = await self.grants(after=after)
            for grant in page.items:
                yield grant
            if (after := page.next_after) is None:
                return

    @operation("POST", "/api/grants")
    async def grant(self, request: GrantRequest) -> GrantView:
        """Give a role to a person, a group or an API key."""
        return await self._connection.ask(GrantView, "POST", "/api/grants", body=request)

    @operation("DELETE", "/api/grants/{grant_id}")
    async def take_back(self, grant_id: str) -> None:
        """Take a grant back."""
        await self._connection.send("DELETE", f"/api/grants/{quote(grant_id, safe='')}")

    @operation("GET", "/api/api-keys")
    async def api_keys(self) -> ApiKeys:
        """The keys that one made, or everybody's for a superadmin over all tenants."""
        return await self._connection.ask(ApiKeys, "GET", "/api/api-keys")

    @operation("POST", "/api/api-keys")
    async def make_api_key(self, request: ApiKeyRequest) -> NewApiKey:
        """Make a key; its secret is shown this once."""
        return await self._connection.ask(NewApiKey, "POST", "/api/api-keys", body=request)

    @operation("DELETE", "/api/api-keys/{key_id}")
    async def revoke_api_key(self, key_id: str) -> ApiKeyView:
        """Revoke a key."""
        return await self._connection.ask(ApiKeyView, "DELETE", f"/api/api-keys/{quote(key_id, safe='')}")

    @operation("GET", "/api/sessions")
    async def sessions(self, *, everybody: bool = False) -> Sessions:
        """Where one is signed in with a browser; everybody's for a superadmin over all tenants."""
        return await self._connection.ask(Sessions, "GET", "/api/sessions", params={"everybody": everybody})

    @operation("DELETE", "/api/sessions/{session_id}")
    async def end_session(self, session_id: str, *, everybody: bool = False) -> None:
        """Sign a browser out."""
        path = f"/api/sessions/{quote(session_id, safe='')}"
        await self._connection.send("DELETE", path, params={"everybody": everybody})

    @operation("GET", "/api/break-glass")
    async def lifts(self, *, tenant: str | None = None) -> LiftList:
        """Who has lifted a tenant's privacy rules."""
        return await self._connection.ask(LiftList, "GET", "/api/break-glass", params={"tenant": tenant})

    @operation("POST", "/api/break-glass")
    async def break_glass(self, request: LiftRequest) -> LiftView:
        """Lift them for oneself, for a while and with a reason."""
        return await self._connection.ask(LiftView, "POST", "/api/break-glass", body=request)

    @operation("DELETE", "/api/break-glass/{lift_id}")
    async def mend_glass(self, lift_id: str, *, tenant: str | None = None) -> LiftView:
        """End it before its time."""
        path = f"/api/break-glass/{quote(lift_id, safe='')}"
        return await self._connection.ask(LiftView, "DELETE", path, params={"tenant": tenant})
