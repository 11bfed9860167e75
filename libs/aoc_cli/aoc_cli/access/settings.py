"""Settings of the gateway that commands speak to."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from aoc_common.settings import FROM_ENVIRONMENT, Frozen, SecretRef

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check_address(value: str) -> str:
    """The address of a gateway without what follows its host. Raises `ValueError`."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("must be an address like https://aoc.example")
    if parts.path.strip("/"):
        raise ValueError("must be an address without a path, like https://aoc.example")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be https (http only on this machine): secrets are sent to it")
    return f"{parts.scheme}://{parts.netloc}".lower()


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
