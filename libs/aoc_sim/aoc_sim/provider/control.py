"""The control plane of the identity provider. Never part of Microsoft's APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from aoc_sim.provider.metadata import Conduct
from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from aoc_sim.provider.claims import Version
    from aoc_sim.provider.keys import KeyRing
    from aoc_sim.provider.metadata import Metadata
    from aoc_sim.provider.provider import Provider


class ProviderChange(BaseModel):
    """The body of `PUT /_provider`. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conduct: Conduct | None = Field(default=None, description="How metadata and keys are served.")
    token_version: Literal["1.0", "2.0"] | None = Field(default=None, description="The version of access tokens.")
    application_roles: tuple[str, ...] | None = Field(default=None, description="App roles of applications.")
    overage: bool | None = Field(default=None, description="Whether everybody is in more groups than a token holds.")
    rotate: bool = Field(default=False, description="Sign with new keys from now on.")
    withdraw: bool = Field(default=False, description="Publish the newest keys only from now on.")


class ProviderControl:
    """`GET` and `PUT /_provider`."""

    def __init__(self, provider: Provider, metadata: Metadata, rings: Mapping[Version, KeyRing]) -> None:
        self._provider = provider
        self._metadata = metadata
        self._rings = rings

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/_provider", self._answer, methods=["GET", "PUT"])]

    async def _answer(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                self._apply(ProviderChange.model_validate_json(await request.body()))
            except ValidationError as error:
                return PlainTextResponse(str(error), 422)
        accounts = [
            {
                "id": account.person.id,
                "name": account.person.upn,
                "tenant": account.tenant.slug,
                "roles": account.roles,
                "groups": account.groups,
            }
            for account in self._provider.accounts.all()
        ]
        return json_answer(
            {
                "conduct": self._metadata.conduct,
                "asked": self._metadata.asked,
                "token_version": self._provider.token_version,
                "application_roles": self._provider.application_roles,
                "overage": self._provider.overage,
                "accounts": accounts,
            }
        )

    def _apply(self, wish: ProviderChange) -> None:
        provider = self._provider
        self._metadata.conduct = wish.conduct or self._metadata.conduct
        provider.token_version = wish.token_version or provider.token_version
        if wish.application_roles is not None:
            provider.application_roles = wish.application_roles
        if wish.overage is not None:
            provider.overage = wish.overage
        for ring in self._rings.values():
            if wish.rotate:
                ring.rotate()
            if wish.withdraw:
                ring.withdraw()
