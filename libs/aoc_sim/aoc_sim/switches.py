"""What can be taken from a tenant's app at run time: permissions, the licence, its credentials, subscriptions.

Control plane only; nothing here is part of Microsoft's APIs. How Microsoft answers then: entra-docs,
reference-error-codes.md; office-365-management-activity-api-reference.md, "Errors".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aoc_sim.activity.subscriptions import CONTENT_TYPES
from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from aoc_sim.clock import Clock
    from aoc_sim.settings import TenantSettings
    from aoc_sim.tokens import Caller

type Credentials = Literal["good", "expired", "unknown app", "app disabled", "consent revoked"]

#: State of the credentials -> status, OAuth error, Entra's number, sentence.
REFUSALS: Final[dict[Credentials, tuple[int, str, int, str]]] = {
    "expired": (401, "invalid_client", 7000222, "The client secret keys that were provided have expired."),
    "unknown app": (400, "unauthorized_client", 700016, "The application is not found in the directory."),
    "app disabled": (401, "unauthorized_client", 7000112, "The application is disabled."),
    "consent revoked": (400, "invalid_grant", 65001, "Nobody has consented to the use of the application."),
}
_SECRET_LASTS: Final = timedelta(days=180)


class Switches(BaseModel):
    """The body of `PUT /_switches`: what is taken from a tenant, until it is put again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str = Field(description="The tenant's slug.")
    revoked: tuple[str, ...] = Field(default=(), description="App roles that are taken away.")
    granted: tuple[str, ...] = Field(default=(), description="App roles that are given beside the configured ones.")
    kept_s: float = Field(default=0, ge=0, description="How long tokens that were issued before keep revoked roles.")
    premium: bool = Field(default=True, description="False: Entra ID P2 and Workload ID Premium have lapsed.")
    credentials: Credentials = Field(default="good", description="What the token endpoint thinks of the app.")
    disabled: tuple[str, ...] = Field(default=(), description="Content types whose subscription an admin disabled.")
    secret_ends: datetime | None = Field(default=None, description="When the secret expires; in 180 days if unset.")


class Switchboard:
    """The switches of all tenants."""

    def __init__(self, tenants: Iterable[TenantSettings], clock: Clock) -> None:
        self._clock = clock
        self._ids = {tenant.slug: tenant.tenant_id for tenant in tenants}
        self._set: dict[str, Switches] = {}
        self._since: dict[str, datetime] = {}

    def of(self, tenant_id: str) -> Switches:
        """A tenant's switches."""
        return self._set.get(tenant_id) or Switches(tenant="")

    def put(self, switches: Switches) -> None:
        """Replace a tenant's switches. Raises KeyError for a tenant that is not simulated."""
        tenant_id = self._ids[switches.tenant]
        self._set[tenant_id], self._since[tenant_id] = switches, self._clock.now()

    def roles(self, tenant_id: str, roles: tuple[str, ...], *, management: bool | None) -> tuple[str, ...]:
        """The roles of a new token for the Management API, for Graph, or (None) for both."""
        switches = self.of(tenant_id)
        more = [role for role in switches.granted if role not in roles and management in {None, _of_management(role)}]
        return tuple(role for role in (*roles, *more) if role not in switches.revoked)

    def held(self, caller: Caller) -> Caller:
        """A caller with the roles that count now."""
        switches = self.of(caller.tenant_id)
        since = self._since.get(caller.tenant_id)
        if since is None or self._clock.now() < since + timedelta(seconds=switches.kept_s):
            return caller
        return replace(caller, roles=caller.roles - set(switches.revoked))

    def secret_ends(self, tenant_id: str) -> datetime:
        """When the client secret expires."""
        ends = self.of(tenant_id).secret_ends or self._clock.now() + _SECRET_LASTS
        return ends.astimezone(UTC)

    def routes(self) -> list[Route]:
        """The routes of the control plane."""
        return [Route("/_switches", self._answer, methods=["GET", "PUT"])]

    async def _answer(self, request: Request) -> Response:
        """Read all switches, or replace those of one tenant."""
        if request.method == "PUT":
            try:
                wish = Switches.model_validate_json(await request.body())
            except ValidationError as error:
                return PlainTextResponse(str(error), 422)
            if strangers := set(wish.disabled) - set(CONTENT_TYPES):
                return json_answer(
                    {"error": f"no content type {min(strangers)}", "known": [*CONTENT_TYPES]}, status=422
                )
            if wish.tenant not in self._ids:
                return json_answer({"error": f"no tenant '{wish.tenant}'", "known": [*self._ids]}, status=404)
            self.put(wish)
        return json_answer({slug: self.of(tenant_id).model_dump() for slug, tenant_id in self._ids.items()})


def _of_management(role: str) -> bool:
    return role.startswith(("ActivityFeed.", "ServiceHealth."))
