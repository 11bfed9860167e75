"""What is known of a tenant. `docs/reference/tenants.md` is made of these descriptions."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from os import PathLike
from typing import Annotated, Any, Final, Literal, Self, get_args
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.settings import Frozen, SecretRef
from aoc_common.tenants.clouds import CLOUDS, V1_ISSUER, Cloud, Hosts, v2_issuer
from aoc_common.tenants.privacy import PrivacyRule

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_REFERENCES: Final = ("env:", "file:")
_DAY: Final = timedelta(days=1)

type Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: In the order of `datetime.weekday`.
_WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday.__value__)


def _guid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("must be a GUID like 00000000-0000-0000-0000-000000000000") from None


def _base(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be a base address like https://graph.microsoft.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("must be https (http only on this machine): tokens travel to it")
    return value.rstrip("/")


def _file_reference(value: Any) -> Any:
    """A path is a reference to the file."""
    if isinstance(value, str | PathLike) and not str(value).startswith(_REFERENCES):
        return f"file:{value}"
    return value


def zone(value: Any) -> Any:
    """The zone of this name, or the value itself where it is one. Raises `ValueError`."""
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):  # OSError: the name of a directory of zones
        raise ValueError("must be an IANA time zone like Europe/Amsterdam") from None


def _time_of_day(value: Any) -> Any:
    if isinstance(value, time):
        return value
    try:
        return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007  # a time of day of the tenant's zone
    except (ValueError, TypeError):
        raise ValueError("must be a time of day like 08:30") from None


def _network(value: Any) -> IPv4Network | IPv6Network:
    if not isinstance(value, str | IPv4Network | IPv6Network):
        raise ValueError("must be a network like 203.0.113.0/24")  # noqa: TRY004  # pydantic reports ValueErrors only
    network = ip_network(value)
    if not network.prefixlen:
        raise ValueError("holds every address there is")
    return network


def _distinct[T](values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) < len(values):
        raise ValueError("holds something twice")
    return values


Guid = Annotated[str, AfterValidator(_guid)]
BaseUrl = Annotated[str, AfterValidator(_base)]
CertificateRef = Annotated[SecretRef, BeforeValidator(_file_reference)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), PlainSerializer(lambda value: f"{value:%H:%M}")]
Zone = Annotated[ZoneInfo, BeforeValidator(zone)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Group = Annotated[str, Field(pattern=TENANT_PATTERN)]
ListName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
ListEntry = Annotated[str, Field(min_length=1, max_length=320)]
ListEntries = Annotated[tuple[ListEntry, ...], AfterValidator(_distinct), Field(max_length=1000)]
#: `*`: every source for which nothing else says how long.
RetainedSource = Annotated[str, Field(pattern=r"^([a-z0-9-]{1,64}|\*)$")]
RetentionDays = Annotated[int, Field(ge=1, le=36_500)]


class WorkingHours(Frozen):
    """When people work, by the clock of the tenant's time zone.

    Hours that do not end after they start end on the next day: 22:00 to 06:00 is a night shift, 00:00 to 00:00 all day.
    """

    days: Annotated[tuple[Weekday, ...], AfterValidator(_distinct)] = Field(
        ("mon", "tue", "wed", "thu", "fri"), min_length=1, description="Days on which working hours start."
    )
    start: TimeOfDay = Field(time(8), description="When they start.")
    end: TimeOfDay = Field(time(18), description="When they end; on the next day, if that is not after the start.")

    def include(self, local: datetime) -> bool:
        """Whether a moment, by the tenant's clock, lies within: `start` inclusive, `end` exclusive."""
        at, today = local.time(), _WEEKDAYS[local.weekday()]
        if self.start < self.end:
            return today in self.days and self.start <= at < self.end
        yesterday = _WEEKDAYS[(local - _DAY).weekday()]
        return (today in self.days and at >= self.start) or (yesterday in self.days and at < self.end)


class Tenant(Frozen):
    """A tenant, and the app registration that reads its records. Secrets are references, never values."""

    name: str = Field(pattern=TENANT_PATTERN, description="Short name; part of subjects and of every event.")
    tenant_id: Guid = Field(description="Directory (tenant) id.")
    client_id: Guid = Field(description="Application (client) id.")
    client_secret: SecretRef | None = Field(
        None, description="Reference to the client secret (`env:NAME` or `file:PATH`)."
    )
    client_certificate: CertificateRef | None = Field(
        None,
        description="Instead of a secret: path of, or reference to, a PEM text with the app's certificate and its "
        "unencrypted private key.",
    )
    cloud: Cloud = Field("commercial", description="Microsoft's cloud.")
    authority: BaseUrl | None = Field(None, description="Another address for tokens.")
    graph: BaseUrl | None = Field(None, description="Another address for Microsoft Graph.")
    management: BaseUrl | None = Field(None, description="Another address for the Management Activity API.")
    sources: tuple[str, ...] | None = Field(None, description="Sources to collect; all when left out.")
    display_name: str | None = Field(
        None, min_length=1, max_length=100, description="Name to show to people; the short name when left out."
    )
    time_zone: Zone = Field(
        ZoneInfo("UTC"), description="IANA time zone, by which rules and people read the tenant's times."
    )
    working_hours: WorkingHours = Field(WorkingHours(), description="When people work; what is outside is after hours.")
    trusted_networks: Annotated[tuple[Network, ...], AfterValidator(_distinct)] = Field(
        (), max_length=1000, description="Networks of the tenant's own (CIDR), e.g. of its offices."
    )
    groups: Annotated[tuple[Group, ...], AfterValidator(_distinct)] = Field(
        (), max_length=100, description="Groups of tenants that it belongs to, e.g. for roles, rules and routes."
    )
    holidays: Annotated[tuple[date, ...], AfterValidator(_distinct)] = Field(
        (), max_length=1000, description="Days (like 2026-12-25, by the tenant's clock) on which nobody is at work."
    )
    lists: dict[ListName, ListEntries] = Field(
        default_factory=dict,
        max_length=100,
        description="Named lists of the tenant's own, e.g. of its break-glass accounts, for rules and queries.",
    )
    retention: dict[RetainedSource, RetentionDays] = Field(
        default_factory=dict,
        max_length=100,
        description="Source, `import`, or `*` for all others -> days that its events are kept after they were stored. "
        "It wins over the normalizer's settings. In the registry only: the normalizer reads no tenants file.",
    )
    paused: bool = Field(False, description="Whether nothing is collected from it for now.")

    privacy: tuple[PrivacyRule, ...] = Field(
        (), max_length=50, description="What is hidden from which roles; see below, and docs/howto/access.md."
    )

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.client_secret is not None and self.client_certificate is not None:
            raise ValueError("needs client_secret or client_certificate, and not both")
        return self

    @property
    def title(self) -> str:
        """What people call it."""
        return self.display_name or self.name

    @property
    def hosts(self) -> Hosts:
        """Where this tenant's services are."""
        cloud = CLOUDS[self.cloud]
        return Hosts(self.authority or cloud.authority, self.graph or cloud.graph, self.management or cloud.management)

    @property
    def resources(self) -> Hosts:
        """What tokens are asked for: a cloud's own names, wherever the service is reached."""
        return CLOUDS[self.cloud]

    @property
    def issuers(self) -> tuple[str, str]:
        """How tokens of versions 1 and 2 name this tenant as their issuer (entra-docs, access-tokens.md)."""
        first, second = (
            template.replace("{tenantid}", self.tenant_id) for template in (V1_ISSUER, v2_issuer(self.hosts.authority))
        )
        return first, second

    def at_work(self, moment: datetime) -> bool:
        """Whether a moment (with a zone) lies within the tenant's working hours, and on none of its holidays."""
        local = moment.astimezone(self.time_zone)
        return local.date() not in self.holidays and self.working_hours.include(local)

    def retention_days(self, source: str) -> int | None:
        """For how many days events of a source are kept; None where the tenant says nothing of it."""
        return self.retention.get(source, self.retention.get("*"))

    @property
    def is_simulated(self) -> bool:
        """Whether its sign-in service is on this machine: then it is a simulator's, and no licence counts it."""
        return urlsplit(self.hosts.authority).hostname in _LOOPBACK

    def trusts(self, address: str) -> bool:
        """Whether an address lies in a trusted network; False for what is no address."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        plain = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(plain in network for network in self.trusted_networks)
