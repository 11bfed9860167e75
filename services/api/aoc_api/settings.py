"""The gateway's options."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from aoc_api.auth_settings import AuthOptions
from aoc_common.contracts.subjects import DEFAULT_TENANT, TENANT_PATTERN
from aoc_common.contracts.tickets import SYSTEM_PATTERN
from aoc_common.environment import TENANTS_FILE, WEBHOOKS_TENANTS_FILE
from aoc_common.settings import Frozen, SecretRef, ServiceSettings, WebhookSettings

#: A DNS name, or an address as a URL has it.
_HOST_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]")

_ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[^:/?#@]+|\[[^\]]+\])(:(?P<port>[1-9][0-9]{0,4}))?")
#: Browsers leave these out.
_USUAL_PORTS: Final = frozenset({("http", "80"), ("https", "443")})


def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost` or a loopback address, with or without the brackets of a URL."""
    name = host.lower().removeprefix("[").removesuffix("]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_host(host: str, info: ValidationInfo) -> str:
    data = info.data
    encrypted = "tls" in data and data["tls"].certificate is not None
    if not (is_loopback(host) or data.get("published_on_loopback") or encrypted or data.get("trusted_proxies")):
        raise ValueError(
            "is not loopback, and secrets would travel in the clear: set AOC_API__TLS__CERTIFICATE and "
            "AOC_API__TLS__KEY, or AOC_API__TRUSTED_PROXIES for a proxy that speaks TLS"
        )
    return host.removeprefix("[").removesuffix("]")


def _check_host_name(name: str) -> str:
    plain = name.lower().removesuffix(".")
    if not _HOST_NAME.fullmatch(plain):
        raise ValueError("must be a name or an address without scheme, port and path, like aoc.example")
    return plain


def _check_network(text: str) -> str:
    network = ipaddress.ip_network(text)
    if network.prefixlen == 0:
        raise ValueError("must not be everybody: whoever reaches the gateway could say who they are")
    return str(network)


def _check_origin(text: str) -> str:
    found = _ORIGIN.fullmatch(text)
    if found is None or not _HOST_NAME.fullmatch(found["host"]) or (found["scheme"], found["port"]) in _USUAL_PORTS:
        raise ValueError(
            "must be an origin as browsers send it, like https://dashboard.example or https://dashboard.example:8443"
        )
    if found["scheme"] == "http" and not is_loopback(found["host"]):
        raise ValueError("is not loopback, so only https keeps others from speaking in its name")
    return text


class SessionOptions(Frozen):
    """Sessions of browsers."""

    idle_s: float = Field(3600, ge=120, le=86_400, description="Seconds without a request after which a session ends.")
    longest_s: float = Field(
        43_200, ge=300, le=7 * 86_400, description="Seconds after which a session ends, however much it is used."
    )


class TlsOptions(Frozen):
    """TLS of the gateway's own. Files that change are read again within seconds."""

    certificate: Path | None = Field(
        None, description="PEM file with the certificate, and those between it and the root."
    )
    key: Path | None = Field(None, description="PEM file with its private key, without a password.")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("needs certificate and key, or neither")
        return self


class LimitOptions(Frozen):
    """Limits of the gateway, so that no caller starves others. A caller is a principal."""

    head_s: float = Field(10, gt=0, description="Seconds in which the head of a request must come.")
    body_s: float = Field(10, gt=0, description="Seconds in which the whole body of a request must come.")
    body_bytes_per_s: float = Field(
        1024, gt=0, description="Bytes a second that a body must have on average, after two seconds."
    )
    answer_s: float = Field(
        30, gt=0, description="Seconds in which a client must read some of its answer (16 KiB, or what is left)."
    )
    begin_s: float = Field(
        30, gt=0, description="Seconds in which the answer to a read must begin. Then its work ends, and it is 503."
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
    exports: int = Field(
        8,
        ge=1,
        description="Exports that are streamed at once, and files of exports that are fetched; more get 503. "
        "Exports take turns with other searches.",
    )
    exports_per_caller: int = Field(2, ge=1, description="Of these, of one caller; more get 429.")
    tails: int = Field(200, ge=1, description="Live tails of events at once; more get 503.")
    tails_per_caller: int = Field(10, ge=1, description="Of these, of one caller; more get 429.")


class RateOptions(Frozen):
    """How often somebody may ask. Tokens are used up by requests, and come back steadily.

    Of a caller a request takes one token, a change five. Of an address, for those who are not known (yet), a request
    takes one, signing in five, and credentials that are none twenty more.
    """

    caller_burst: int = Field(3_000, ge=10, description="Tokens that a caller can have. Reading takes one, a change 5.")
    caller_per_s: float = Field(50, gt=0, description="Tokens that a caller gets each second.")
    address_burst: int = Field(
        6_000,
        ge=100,
        description="Tokens that an address can have, for requests of whom it is not known yet who they are. A request "
        "takes one, signing in 5, and made-up credentials 20 more.",
    )
    address_per_s: float = Field(20, gt=0, description="Tokens that an address gets each second.")
    strangers_burst: int = Field(
        20_000,
        ge=100,
        description="Requests of whom it is not known yet who they are, from all addresses together, that are taken at "
        "once. Whoever was known here in the last twelve hours does not count.",
    )
    strangers_per_s: float = Field(200, gt=0, description="Such requests that are taken each second.")
    webhooks_burst: int = Field(6_000, ge=10, description="Notifications that an address can send at once.")
    webhooks_per_s: float = Field(100, gt=0, description="Notifications of an address each second.")


class ExportJobOptions(Frozen):
    """Exports in the background (`POST /api/exports`)."""

    at_once: int = Field(2, ge=0, description="Exports that this gateway makes in the background at once.")
    per_caller: int = Field(10, ge=1, le=1_000, description="Exports of one caller, made or asked for; more get 409.")
    bytes_per_caller: int = Field(
        4 << 30, ge=1 << 20, description="Bytes that all files of one caller may have together, in MongoDB."
    )
    kept_h: float = Field(24, gt=0, le=168, description="Hours for which the file of an export can be fetched.")
    longest_h: float = Field(12, gt=0, le=72, description="Hours in which an export must be made.")

    @property
    def retention(self) -> timedelta:
        """For how long a file can be fetched."""
        return timedelta(hours=self.kept_h)

    @property
    def longest(self) -> timedelta:
        """How long an export may wait and run."""
        return timedelta(hours=self.longest_h)


class TailOptions(Frozen):
    """The live tail of events (`GET /api/events/stream`)."""

    heartbeat_s: float = Field(
        15, gt=0, le=300, description="Seconds without an event after which a sign of life is sent."
    )
    check_s: float = Field(
        5, gt=0, le=300, description="Seconds between two looks whether a reader may still see what is sent."
    )
    buffer_events: int = Field(
        2_000, ge=1, description="Newest events of a tenant that are kept for readers. Who falls behind is cut off."
    )
    buffer_bytes: int = Field(
        64 << 20, ge=1 << 20, description="Bytes that these may have, of all tenants; an eighth of it, those of one."
    )


class AuditOptions(Frozen):
    """How the gateway notes what is done at it."""

    spool: Path = Field(
        Path("/var/lib/aoc/audit"),
        description="Directory, of this gateway alone, for entries of the audit trail that are not in MongoDB yet. It "
        "must outlive the process.",
    )
    spool_bytes: int = Field(
        64 << 20,
        ge=8 << 20,
        description="What they may take on the disk: 64 KiB twice for each request that is under way, and what waits. "
        "When it is full, nothing is read or changed any more.",
    )


class TicketSystemOptions(Frozen):
    """A ticket system that may change alerts by their tickets."""

    secret: SecretRef = Field(
        description="Reference to the secret, whsec_ and base64, by which it signs what it tells."
    )
    previous_secret: SecretRef | None = Field(
        None, description="Reference to the secret before; still accepted while the system changes to the new one."
    )
    tenants: tuple[Annotated[str, Field(pattern=TENANT_PATTERN)], ...] | None = Field(
        None, min_length=1, description="Whose alerts it may change; all tenants' when not set."
    )


class ApiOptions(Frozen):
    """How the gateway listens and answers."""

    published_on_loopback: bool = Field(
        False,
        description="The gateway runs in a container whose port is published on loopback only, as by "
        "docker-compose.yml: then it may listen on any address of the container without TLS.",
    )
    public_hosts: list[Annotated[str, AfterValidator(_check_host_name)]] = Field(
        default_factory=list,
        description="Host names, beside this machine's own, under which the gateway is addressed, as JSON: "
        '["aoc.example"]. Requests for other names are refused (DNS rebinding).',
    )
    trusted_proxies: list[Annotated[str, AfterValidator(_check_network)]] = Field(
        default_factory=list,
        description="Addresses or networks of proxies in front of the gateway, as JSON. Only what these say of who "
        "asks, and how (X-Forwarded-For, -Proto, -Host), is believed.",
    )
    cors_origins: list[Annotated[str, AfterValidator(_check_origin)]] = Field(
        default_factory=list,
        description="Origins of pages elsewhere that may use the gateway with tokens or keys, as JSON: "
        '["https://dashboard.example"]. Never with the cookie of a session.',
    )
    tls: TlsOptions = TlsOptions()
    host: Annotated[str, AfterValidator(_check_host)] = Field(
        "127.0.0.1",
        description="Address to listen on. One that is not loopback needs TLS, or AOC_API__TRUSTED_PROXIES.",
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    sessions: SessionOptions = SessionOptions()
    monitoring_token: SecretRef | None = Field(
        None,
        description="Reference to a token (32 characters or more) with which a monitoring system reads /metrics and "
        "the details of /health, also while MongoDB is away. Without it, only a reader of all tenants can.",
    )
    cursor_key: SecretRef | None = Field(
        None,
        description="Reference to the key (16 characters or more) that signs cursors and sign-ins that are under way. "
        "Without it, a random one: these then end with the process, and two gateways do not take each other's.",
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
    ticket_systems: dict[Annotated[str, Field(pattern=SYSTEM_PATTERN)], TicketSystemOptions] = Field(
        default_factory=dict,
        max_length=100,
        description="Ticket systems that may change alerts (docs/howto/tickets.md), as JSON: name, as of the "
        'route by which the system is told -> {"secret": "file:PATH", "tenants": ["contoso"]}.',
    )
    limits: LimitOptions = LimitOptions()
    rates: RateOptions = RateOptions()
    export_jobs: ExportJobOptions = ExportJobOptions()
    tail: TailOptions = TailOptions()
    audit: AuditOptions = AuditOptions()


class HookOptions(WebhookSettings):
    """How the gateway takes notifications."""

    tenants_file: Path | None = Field(
        None,
        description="JSON file with the tenants (name, tenant_id, client_id, cloud); the collector's will do. "
        "Tokens of notifications with resource data are checked against it, and against the registry.",
    )
    decryption_keys: dict[str, SecretRef] = Field(
        default_factory=dict,
        description="encryptionCertificateId -> reference to the private key (PEM), as JSON. "
        "Needed only for notifications with resource data.",
    )
    replay_memory: int = Field(
        50_000, ge=1_000, le=5_000_000, description="Notifications that are remembered, so that none counts twice."
    )


class AlerterHome(BaseModel):
    """What the gateway knows of the alerter's settings."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    home_tenant: str | None = Field(
        None,
        pattern=TENANT_PATTERN,
        description="The tenant that has the alerts of correlations across tenants, as the alerter is told; without it "
        "such rules are not taken.",
    )
    lateness_m: float = Field(
        60,
        ge=0,
        le=10_080,
        description="How late events may be, minutes, before a correlation says that something did not happen, as the "
        "alerter is told: for tests of rules.",
    )


class ApiSettings(ServiceSettings):
    """All settings of the gateway."""

    api: ApiOptions = ApiOptions()
    alerter: AlerterHome = AlerterHome()
    webhooks: HookOptions = HookOptions()
    tenants_file: Path | None = Field(
        None,
        description="JSON file with the tenants, whose groups and privacy rules count at the gateway; the collector's. "
        "AOC_WEBHOOKS__TENANTS_FILE, where it is set, counts in its place.",
    )

    @property
    def named_tenants_file(self) -> tuple[Path | None, str]:
        """The tenants file that the gateway reads, and the setting that names it."""
        if self.webhooks.tenants_file is not None:
            return self.webhooks.tenants_file, WEBHOOKS_TENANTS_FILE
        return self.tenants_file, TENANTS_FILE
