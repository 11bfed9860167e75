"""The gateway's options."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from aoc_api.auth_settings import AuthOptions
from aoc_common.contracts.subjects import DEFAULT_TENANT, TENANT_PATTERN
from aoc_common.settings import Frozen, SecretRef, ServiceSettings, WebhookSettings


def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost` or a loopback address, with or without the brackets of a URL."""
    name = host.lower().removeprefix("[").removesuffix("]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_loopback(host: str, info: ValidationInfo) -> str:
    if not is_loopback(host) and not info.data.get("published_on_loopback"):
        raise ValueError("must be a loopback address: the gateway has no authentication yet")
    return host.removeprefix("[").removesuffix("]")


class LimitOptions(Frozen):
    """Limits of the gateway, so that no caller starves others.

    Until the gateway has a login, a caller is an address.
    """

    head_s: float = Field(10, gt=0, description="Seconds in which the head of a request must come.")
    body_s: float = Field(10, gt=0, description="Seconds in which the whole body of a request must come.")
    body_bytes_per_s: float = Field(
        1024, gt=0, description="Bytes a second that a body must have on average, after two seconds."
    )
    answer_s: float = Field(
        30, gt=0, description="Seconds in which a client must read some of its answer (16 KiB, or what is left)."
    )
    connections: int = Field(500, ge=8, description="Connections at once; more get 503.")
    requests: int = Field(64, ge=2, description="Searches and accounts that are worked on at once; more get 503.")
    requests_per_caller: int = Field(16, ge=1, description="Of these, of one caller; more get 429.")
    scans: int = Field(
        1,
        ge=1,
        description="Searches that go through the store at once beyond their first twentieth of a second. Others wait "
        "for their turn; callers take turns. A database of many cores can take more.",
    )
    search_s: float = Field(
        3,
        gt=0,
        description="Seconds of the store's time that one search may have. Then it tells how far back it has searched, "
        "and next_cursor goes on.",
    )
    wait_s: float = Field(5, gt=0, description="Seconds that a search may wait for its turns, altogether.")


class ApiOptions(Frozen):
    """How the gateway listens and answers."""

    published_on_loopback: bool = Field(
        False,
        description="The gateway runs in a container whose port is published on loopback only, as by "
        "docker-compose.yml: then it may listen on any address of the container.",
    )
    host: Annotated[str, AfterValidator(_check_loopback)] = Field(
        "127.0.0.1", description="Address to listen on. Loopback only, until the gateway asks who is there."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    cursor_key: SecretRef | None = Field(
        None,
        description="Reference to the key (16 characters or more) that signs cursors. Without it, a random one: "
        "cursors then end with the process, and two gateways do not take each other's.",
    )
    default_tenant: str = Field(
        DEFAULT_TENANT, pattern=TENANT_PATTERN, description="The tenant of a request that names none."
    )
    break_glass_h: float = Field(
        8, gt=0, le=72, description="Hours for which a tenant's privacy rules can be lifted at most."
    )
    stalled_after_s: int = Field(
        900, ge=60, description="A source that was not collected for so long is shown as stalled (red), seconds."
    )
    expiry_warning_h: float = Field(
        24, gt=0, le=168, description="Content that Microsoft deletes within so many hours is warned of (yellow)."
    )
    auth: AuthOptions = AuthOptions()
    limits: LimitOptions = LimitOptions()


class HookOptions(WebhookSettings):
    """How the gateway takes notifications."""

    tenants_file: Path | None = Field(
        None,
        description="JSON file with the tenants (name, tenant_id, client_id, cloud); the collector's will do. "
        "Needed only for notifications with resource data, whose tokens are checked against it.",
    )
    decryption_keys: dict[str, SecretRef] = Field(
        default_factory=dict,
        description="encryptionCertificateId -> reference to the private key (PEM), as JSON. "
        "Needed only for notifications with resource data.",
    )
    replay_memory: int = Field(
        50_000, ge=1_000, le=5_000_000, description="Notifications that are remembered, so that none counts twice."
    )


class ApiSettings(ServiceSettings):
    """All settings of the gateway."""

    api: ApiOptions = ApiOptions()
    webhooks: HookOptions = HookOptions()
