"""The app registration as it sees itself: when its secret and certificate expire (graph-docs, application-get.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from cryptography import x509
from starlette.routing import Route

from aoc_sim.clock import iso
from aoc_sim.graph import errors
from aoc_sim.graph.gate import Needs
from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.graph.gate import Gate
    from aoc_sim.settings import TenantSettings

_NEEDS = Needs("graph_directory", ("Application.Read.All", "Directory.Read.All"), "Authorization_RequestDenied")
_SPACE = UUID("a9911ca7-0000-4000-8000-0a0c51a00000")


class Applications:
    """`GET /v1.0/applications(appId='...')`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/v1.0/applications(appId='{app_id}')", self._gate.guarded(self.get), methods=["GET"])]

    async def get(self, request: Request) -> Response:
        """The caller's own registration; no other is known."""
        admitted = await self._gate.admit(request, _NEEDS)
        settings = admitted.tenant.settings
        if request.path_params["app_id"].lower() != settings.client_id.lower():
            raise errors.not_found(request.path_params["app_id"])
        ends = self._gate.world.switches.secret_ends(settings.tenant_id)
        body: dict[str, Any] = {
            "id": str(uuid5(_SPACE, settings.client_id)),
            "appId": settings.client_id,
            "displayName": "AOC collector",
            "passwordCredentials": [_credential(settings, "secret", ends)],
            "keyCredentials": _certificates(settings),
        }
        selected = request.query_params.get("$select")
        if selected:
            body = {name: value for name, value in body.items() if name in selected.split(",")}
        return json_answer({"@odata.context": f"{self._gate.base(request)}/v1.0/$metadata#applications/$entity"} | body)


def _certificates(settings: TenantSettings) -> list[dict[str, Any]]:
    if settings.client_certificate_pem is None:
        return []
    certificate = x509.load_pem_x509_certificate(settings.client_certificate_pem.encode())
    return [
        _credential(settings, "certificate", certificate.not_valid_after_utc)
        | {"type": "AsymmetricX509Cert", "usage": "Verify"}
    ]


def _credential(settings: TenantSettings, name: str, ends: datetime) -> dict[str, Any]:
    return {"keyId": str(uuid5(_SPACE, f"{settings.client_id}/{name}")), "displayName": name, "endDateTime": iso(ends)}
