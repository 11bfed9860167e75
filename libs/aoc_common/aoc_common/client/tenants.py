"""The registry of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.tenants import TenantList, TenantView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.client.connection import Connection


class Tenants:
    """Tenants. Every method raises `GatewayError`.

    `revision`: the one that was read; `Conflict` is raised when somebody has changed the tenant since. `check`: False
    saves settings that a collector has not tried.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", "/api/tenants")
    async def list(self) -> TenantList:
        """Those that one may see, and what the licence allows."""
        return await self._connection.ask(TenantList, "GET", "/api/tenants")

    @operation("GET", "/api/tenants/{name}")
    async def get(self, name: str) -> TenantView:
        """One of them; of a deleted one what was deleted."""
        return await self._connection.ask(TenantView, "GET", _path(name))

    @operation("POST", "/api/tenants")
    async def add(self, settings: Mapping[str, Any], *, check: bool = True) -> TenantView:
        """Add one. `settings`: as an entry of a tenants file (docs/reference/tenants.md)."""
        params = {"check": check}
        return await self._connection.ask(TenantView, "POST", "/api/tenants", params=params, body=settings)

    @operation("PUT", "/api/tenants/{name}")
    async def replace(self, name: str, settings: Mapping[str, Any], *, revision: int, check: bool = True) -> TenantView:
        """Give it these settings, and no others."""
        return await self._change("PUT", name, settings, revision, check=check)

    @operation("PATCH", "/api/tenants/{name}")
    async def change(self, name: str, settings: Mapping[str, Any], *, revision: int, check: bool = True) -> TenantView:
        """Change some settings; None is as by default."""
        return await self._change("PATCH", name, settings, revision, check=check)

    @operation("POST", "/api/tenants/{name}/pause")
    async def pause(self, name: str) -> TenantView:
        """Collect nothing from it until it is resumed."""
        return await self._connection.ask(TenantView, "POST", f"{_path(name)}/pause")

    @operation("POST", "/api/tenants/{name}/resume")
    async def resume(self, name: str) -> TenantView:
        """Collect from it again."""
        return await self._connection.ask(TenantView, "POST", f"{_path(name)}/resume")

    @operation("DELETE", "/api/tenants/{name}")
    async def delete(self, name: str, *, confirm: str) -> TenantView:
        """Delete it with all its data. `confirm`: its name again."""
        return await self._connection.ask(TenantView, "DELETE", _path(name), params={"confirm": confirm})

    async def _change(
        self, method: str, name: str, settings: Mapping[str, Any], revision: int, *, check: bool
    ) -> TenantView:
        headers, params = {"If-Match": f'"{revision}"'}, {"check": check}
        return await self._connection.ask(
            TenantView, method, _path(name), params=params, body=settings, headers=headers
        )


def _path(name: str) -> str:
    return f"/api/tenants/{quote(name, safe='')}"
