"""Which tokens of Microsoft Entra ID the gateway takes."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from aoc_common.settings import Frozen, SecretRef
from aoc_common.tenants.clouds import CLOUDS, Cloud
from aoc_common.tenants.tenant import BaseUrl, Guid


def _plain(value: str) -> str:
    return value.rstrip("/")


class AuthOptions(Frozen):
    """The app registration whose tokens open the gateway: docs/howto/sign-in.md."""

    client_id: Guid | None = Field(
        None,
        description="Application (client) id of AOC's app registration in Entra ID. Without it, no tokens are taken.",
    )
    client_secret: SecretRef | None = Field(
        None,
        description="Reference to the client secret with which browsers' sign-ins are redeemed; read anew each time. A "
        "registration of a web application needs one.",
    )
    application_uri: Annotated[str, AfterValidator(_plain)] | None = Field(
        None,
        pattern=r"^(api|https)://[^\s?#]+$",
        max_length=255,
        description="Application ID URI of that registration; api://<client_id> when not set.",
    )
    scope: str = Field(
        "access_as_user",
        pattern=r"^[A-Za-z0-9._:-]{1,120}$",
        description="The scope that the registration exposes, which a person's token must have.",
    )
    home_tenants: tuple[Guid, ...] = Field(
        (),
        description="Directory (tenant) ids of your own, as JSON. App roles of these count over all tenants; those of "
        "other registered tenants over that tenant alone. Needed with CLIENT_ID.",
    )
    cloud: Cloud = Field("commercial", description="Microsoft's cloud that the registration is in.")
    authority: BaseUrl | None = Field(None, description="Another address of the sign-in service, e.g. the simulator's.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.client_id is not None and not self.home_tenants:
            raise ValueError(
                "CLIENT_ID needs HOME_TENANTS too: the directory ids whose people may have roles over all tenants, as "
                '["00000000-0000-0000-0000-000000000000"]'
            )
        if self.client_id is None and self.home_tenants:
            raise ValueError("HOME_TENANTS needs CLIENT_ID too: the id of the app registration whose tokens are taken")
        return self

    @property
    def sign_in_service(self) -> str:
        """Base address of the sign-in service."""
        return self.authority or CLOUDS[self.cloud].authority

    @property
    def identifier_uri(self) -> str:
        """What scopes of the registration begin with."""
        return self.application_uri or f"api://{self.client_id}"
