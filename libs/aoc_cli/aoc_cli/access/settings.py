"""Settings of the gateway that commands speak to."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from aoc_common.client.addresses import check_address
from aoc_common.settings import FROM_ENVIRONMENT, Frozen, SecretRef


class GatewayOptions(Frozen):
    """The gateway that commands speak to, when it is not the one of a local stack."""

    url: Annotated[str, AfterValidator(check_address)] | None = Field(
        None,
        description="Its address. Without it: the local stack that runs, else the gateway of the last `aoc login`.",
    )
    api_key: SecretRef | None = Field(
        None, description="Reference to an API key for it. Without it: what `aoc login` has stored."
    )


class GatewaySettings(BaseSettings):
    """The settings of who speaks to a gateway."""

    model_config = FROM_ENVIRONMENT

    gateway: GatewayOptions = GatewayOptions()
